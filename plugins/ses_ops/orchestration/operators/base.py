"""What all our operators share: which errors Airflow should try again, and which wait for a person."""

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
    LookUpFailed,
    SesError,
    TransportUnavailable,
)
from ses_ops.orchestration.connections import ses_db_dsn
from ses_ops.storage.connection import StatementFailed, connected, schema_problem, transaction
from ses_ops.storage.tasks import send_tasks
from ses_ops.transports.errors import SetupRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import Context

log = logging.getLogger(__name__)

#: Away now, perhaps back soon; or another process is at the same chunk and will be done soon.
WORTH_A_RETRY = (DatabaseUnavailable, TransportUnavailable, LookUpFailed, Conflict)


@contextmanager
def errors_for_airflow(task_name: str | None = None) -> Iterator[None]:
    """Turn our errors into Airflow's: one that a retry can mend is retried, any other fails the task at once.

    The latter is also put on show at the send task `task_name`, where it stops further runs until a person acts.
    """
    try:
        yield
    except (AttemptSuperseded, SetupRefused) as problem:
        # A server that refuses our mail or login as such would refuse each retry too, and fail 50 messages at each. The
        # next run, which settle asks for, is soon enough, and later each time.
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
            send_tasks.set_error(conn, task_name, str(problem))
    except (SesError, StatementFailed) as trouble:
        log.warning("the error could not be shown at the send task: %s", trouble)


class SesOperator(BaseOperator):
    """An operator that does one step of sending. Nothing of it is a template, so nothing of it can show a secret."""

    template_fields = ()

    def work(self, context: Context) -> Any:
        """Do the step; what it returns goes to XCom and must be small."""
        raise NotImplementedError

    def task_name(self, context: Context) -> str | None:
        """The send task at which errors are shown."""
        from ses_ops.orchestration.operators.run_context import run_of

        return run_of(context).task_name

    def execute(self, context: Context) -> Any:
        """Do the step, with its errors in Airflow's words."""
        with errors_for_airflow(self.task_name(context)):
            return self.work(context)
