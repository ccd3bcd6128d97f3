"""The base of all operators: which errors Airflow retries, and which need a person."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from ses_ops.errors import (
    AttemptSuperseded,
    Conflict,
    DatabaseUnavailable,
    LedgerRestored,
    LookUpFailed,
    NewerSchema,
    SesError,
    TransportUnavailable,
)
from ses_ops.orchestration.connections import ses_db_dsn
from ses_ops.orchestration.hooks.api_answer import ApiUnavailable
from ses_ops.storage.connection import StatementFailed, connected, schema_problem, transaction
from ses_ops.storage.tasks import send_tasks
from ses_ops.transports.errors import SetupRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import Context

log = logging.getLogger(__name__)

#: Errors that a retry may not meet: a server that cannot be reached now, another process at work on the same chunk, a
#: worker of an older version, or a restored ledger, about which a person decides once for all send tasks.
WORTH_A_RETRY = (
    DatabaseUnavailable,
    LedgerRestored,
    NewerSchema,
    TransportUnavailable,
    LookUpFailed,
    Conflict,
    ApiUnavailable,
)


@contextmanager
def errors_for_airflow(task_name: str | None = None) -> Iterator[None]:
    """Turn errors of ses-ops into Airflow's: WORTH_A_RETRY are retried, any other error fails the task at once.

    An error that is not retried is also stored at the send task `task_name`, where it stops further runs until a person
    acts.
    """
    try:
        yield
    except (AttemptSuperseded, SetupRefused) as problem:
        # A server that refuses every message or the login would refuse each retry too, and fail 50 messages each time.
        # The next run, which settle asks for, is soon enough, and comes later each time.
        raise AirflowFailException(str(problem)) from problem
    except WORTH_A_RETRY as problem:
        raise AirflowException(str(problem)) from problem
    except SesError as problem:
        if task_name is not None:
            _put_on_show(task_name, problem)
        raise AirflowFailException(str(problem)) from problem
    except StatementFailed as problem:
        if words := schema_problem(problem):
            raise AirflowFailException(str(words)) from problem
        raise


def _put_on_show(task_name: str, problem: SesError) -> None:
    try:
        with connected(ses_db_dsn()) as conn, transaction(conn):
            send_tasks.set_error(conn, task_name, problem.sentence)
    except (SesError, StatementFailed) as trouble:
        log.warning("the error could not be shown at the send task: %s", trouble)


class SesOperator(BaseOperator):
    """An operator that does one step of sending. No field of it is a template, so that no field can show a secret."""

    template_fields = ()

    def work(self, context: Context) -> Any:
        """Do the step; the returned value goes to XCom and must be small."""
        raise NotImplementedError

    def task_name(self, context: Context) -> str | None:
        """The name of the send task at which errors are stored."""
        from ses_ops.orchestration.operators.run_context import run_of

        return run_of(context).task_name

    def execute(self, context: Context) -> Any:
        """Do the step, with its errors turned into Airflow's."""
        with errors_for_airflow(self.task_name(context)):
            return self.work(context)
