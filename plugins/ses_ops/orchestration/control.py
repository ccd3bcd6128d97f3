"""What the command line and the console ask of a running Airflow, through Airflow's own code and metadata database.

Airflow is imported when the first of these is called, never before: it takes seconds. All raise SesError.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ses_ops import airflow_configuration, settings
from ses_ops.domain.occurrence import RunKind, decision_run
from ses_ops.domain.send_task import DAG_ID_PREFIX, dag_id
from ses_ops.domain.warmup import VARIABLE
from ses_ops.errors import DatabaseUnavailable, NotFound
from ses_ops.orchestration.airflow_versions import check_airflow, dag_bag, sync_dags
from ses_ops.orchestration.dag_files import send_tasks_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

#: New tasks whose DAGs are written one by one; for more of them one parse of the whole file is cheaper.
_FEW = 20
#: Which DAG is to be made is said in the environment, which all threads of a process share.
_ONE_AT_A_TIME = threading.Lock()
#: Seconds after which a parse request counts as lost: one that arrives while the file is being parsed is dropped.
_ASK_AGAIN = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportProblem:
    """A DAG file that Airflow could not import."""

    file: str
    #: The last line of the traceback.
    error: str
    #: Whether our code is in it. Other people's DAG files are none of our business.
    of_ours: bool = False


def pause_dag(task_name: str) -> bool:
    """Turn the DAG's switch off; False when Airflow has no DAG of that task yet."""
    return _set_switch(task_name, paused=True)


def unpause_dag(task_name: str) -> bool:
    """Turn the DAG's switch on; False when Airflow has no DAG of that task yet."""
    return _set_switch(task_name, paused=False)


def dag_switches() -> dict[str, bool]:
    """Every send task that has a DAG in use, and whether its switch is off."""
    with _session() as session:
        from airflow.models.dag import DagModel
        from sqlalchemy import select

        found = session.execute(
            select(DagModel.dag_id, DagModel.is_paused).where(
                DagModel.dag_id.startswith(DAG_ID_PREFIX, autoescape=True), DagModel.is_stale.is_(False)
            )
        )
        return {name.removeprefix(DAG_ID_PREFIX): bool(paused) for name, paused in found}


def trigger_run(
    task_name: str, run_id: str, conf: dict[str, Any] | None = None, run_after: datetime | None = None
) -> bool:
    """Trigger a run of a task's DAG; False when the run of that id exists already. Raises NotFound without a DAG."""
    with _session() as session:
        from airflow.api.common.trigger_dag import trigger_dag
        from airflow.exceptions import DagNotFound, DagRunAlreadyExists
        from airflow.utils.types import DagRunTriggeredByType

        try:
            trigger_dag(
                dag_id=dag_id(task_name),
                triggered_by=DagRunTriggeredByType.CLI,
                run_id=run_id,
                conf=conf or {},
                run_after=run_after,
                session=session,
            )
        except DagRunAlreadyExists:
            return False
        except DagNotFound as cause:
            raise NotFound("DAG", dag_id(task_name), code="dag_not_read") from cause
        return True


def start_run(task_name: str, kind: RunKind | None = None) -> str | None:
    """Trigger the run for what a person decided; its id, or None when it exists. Raises NotFound without a DAG."""
    run_id, conf = decision_run(kind, datetime.now(UTC))
    return run_id if trigger_run(task_name, run_id, conf) else None


def read_quota_variable() -> str | None:
    """The Variable with the warm-up plans as text, as a task would read it; None when it is not set."""
    from ses_ops.orchestration.connections import quota_variable

    return quota_variable()


def quota_source() -> str:
    """Where that Variable is set."""
    from ses_ops.orchestration.lookup.airflow_lookup import variable

    found = variable(VARIABLE)
    return "nowhere" if found is None else found.source


def dag_import_errors() -> list[ImportProblem]:
    """The DAG files that Airflow cannot import."""
    with _session() as session:
        from airflow.models.errors import ParseImportError
        from sqlalchemy import select

        return [
            ImportProblem(
                file=row.filename or "?",
                error=((row.stacktrace or "").strip().splitlines() or ["no reason given"])[-1],
                of_ours="ses_ops" in (row.stacktrace or ""),
            )
            for row in session.scalars(select(ParseImportError).order_by(ParseImportError.filename))
        ]


def update_dags(*, created: Sequence[str], changed: Sequence[str]) -> bool:
    """Tell Airflow of tasks that were just written: a few new ones get their DAGs now, else the file is to be read.

    False when it does not know our DAG files yet: it finds them, and the tasks in them, by itself.

    With 1 000 tasks a turn of the DAG processor takes 8-20 s, the DAG of one task well under a second. A new task may
    have the name, and so the DAG, of a deleted one: its switch is turned on, whatever was done to that one.
    """
    for name in created:
        _set_switch(name, paused=False)
    written = len(created) <= _FEW and [write_dag(name) for name in created]
    if changed or not written or not all(written):
        return request_dag_parse()
    return True


def forget_task(task_name: str) -> None:
    """Tell Airflow of a deleted task: its runs that have not begun never do, and its DAG is read again.

    The DAG's switch is turned on: the next task of the name has the same.
    """
    with _session() as session:
        from airflow.models.dagrun import DagRun
        from airflow.utils.state import DagRunState
        from sqlalchemy import select

        waiting = select(DagRun).where(DagRun.dag_id == dag_id(task_name), DagRun.state == DagRunState.QUEUED)
        for run in session.scalars(waiting):
            run.set_state(DagRunState.FAILED)
    _set_switch(task_name, paused=False)
    request_dag_parse()


def write_dag(task_name: str) -> bool:
    """Give Airflow the DAG of a new task as its DAG processor would at its next turn; False when that has to do it.

    The file is read where the DAG processor read it. Where this process does not have it (an api-server needs no DAG
    files), or has it packed in a zip, whose modules would stay loaded, a parse request does the same a second later.
    """
    with _session() as session:
        from sqlalchemy.exc import IntegrityError, PendingRollbackError

        file = send_tasks_file(session)
        if file is None or file.packed or file.bundle_path is None or not file.path.is_file():
            return False
        with _ONE_AT_A_TIME, _parsing_only(dag_id(task_name)):
            bag = dag_bag(file.path, bundle_path=file.bundle_path, bundle_name=file.bundle)
        if bag.import_errors or set(bag.dags) != {dag_id(task_name)}:
            return False  # the file is being replaced, or the ses database was away for a moment
        try:
            version, data = file.version, file.version_data
            sync_dags(bag, bundle_name=file.bundle, version=version, version_data=data, session=session)
            session.flush()
        except (IntegrityError, PendingRollbackError, OSError) as problem:
            # The DAG processor was writing it at the same moment, or the file has gone since.
            log.info("the DAG of %r is left to the DAG processor: %s", task_name, problem)
            session.rollback()
            return False
    return True


@contextmanager
def _parsing_only(wanted: str) -> Iterator[None]:
    """Let the DAG file make this one DAG, as it does in a worker."""
    # Airflow's own context manager for it leaves the variable behind.
    from airflow.sdk.definitions.context import _AIRFLOW_PARSING_CONTEXT_DAG_ID as VARIABLE_NAME

    before = os.environ.get(VARIABLE_NAME)
    os.environ[VARIABLE_NAME] = wanted
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE_NAME]
        else:
            os.environ[VARIABLE_NAME] = before


def request_dag_parse() -> bool:
    """Ask Airflow to read the send tasks now, not at its next turn; False when it does not know our DAG files yet.

    The request can get lost: see `wait_for_dag`.
    """
    with _session() as session:
        from airflow.models.dagbag import DagPriorityParsingRequest
        from sqlalchemy.exc import IntegrityError

        file = send_tasks_file(session)
        if file is None:
            return False
        session.add(DagPriorityParsingRequest(bundle_name=file.bundle, relative_fileloc=file.asked_for))
        try:
            session.flush()
        except IntegrityError:
            session.rollback()  # somebody asked already
    return True


def wait_for_dag(task_name: str, *, timeout: float) -> bool:
    """Ask for a parse until the task's DAG is there; False when it was not within `timeout` seconds."""
    end = time.monotonic() + timeout
    asked_at = 0.0
    while task_name not in dag_switches():
        if time.monotonic() > end:
            return False
        if time.monotonic() - asked_at > _ASK_AGAIN:
            request_dag_parse()
            asked_at = time.monotonic()
        time.sleep(0.2)
    return True


def _set_switch(task_name: str, *, paused: bool) -> bool:
    with _session() as session:
        from airflow.models.dag import DagModel

        dag = session.get(DagModel, dag_id(task_name))
        if dag is None:
            return False
        dag.is_paused = paused
        return True


@contextmanager
def _session() -> Iterator[Session]:
    """A session of Airflow's metadata database; commits at the end."""
    _find_airflow()
    check_airflow()
    from airflow.utils.session import create_session
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with create_session() as session:
            yield session
    except SQLAlchemyError as cause:  # away, no right to write there, not migrated, no free connection in the pool
        first_line = (str(getattr(cause, "orig", None) or cause).strip() or type(cause).__name__).splitlines()[0]
        raise DatabaseUnavailable("airflow_database_unavailable", cause=first_line) from cause


#: For a module beside this one that writes there.
metadata_session = _session


def _find_airflow() -> None:
    """Before Airflow is imported, put the running stack's settings into the environment.

    Without any, Airflow would make itself a home and an empty SQLite database: an error says more.
    """
    if "airflow.settings" not in sys.modules:  # one of Airflow's own processes has read its settings already
        airflow_configuration.apply()
    if not airflow_configuration.is_configured():
        raise settings.no_airflow()
