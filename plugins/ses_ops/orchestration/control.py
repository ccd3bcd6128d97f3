"""Control of a running Airflow, through its own code and metadata database.

Airflow, whose import takes seconds, is imported by the first call of a function, never before. Every function raises
SesError.
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

#: Largest number of new tasks whose DAGs are written one by one; for more, one parse of the whole file is cheaper.
_FEW = 20
#: A lock, because the DAG to make is named in the environment, which all threads of a process share.
_ONE_AT_A_TIME = threading.Lock()
#: Seconds after which a parse request counts as lost: Airflow drops a request that comes while it parses the file.
_ASK_AGAIN = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportProblem:
    """A DAG file that Airflow could not import."""

    file: str
    #: The last line of the traceback.
    error: str
    #: Whether the traceback has code of ses-ops; other DAG files are not reported.
    of_ours: bool = False


def pause_dag(task_name: str) -> bool:
    """Turn the DAG's switch off; False when Airflow has no DAG of that task yet."""
    return _set_switch(task_name, paused=True)


def unpause_dag(task_name: str) -> bool:
    """Turn the DAG's switch on; False when Airflow has no DAG of that task yet."""
    return _set_switch(task_name, paused=False)


def dag_switches() -> dict[str, bool]:
    """Whether the DAG's switch is off, by name of every send task that has a DAG in use."""
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
    """Trigger a run of a task's DAG; False when a run of that id exists already. Raises NotFound without a DAG."""
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
    """Trigger the run for a person's decision (`decision_run`).

    Returns the id of the run, None when a run of that id exists already. Raises NotFound without a DAG.
    """
    run_id, conf = decision_run(kind, datetime.now(UTC))
    return run_id if trigger_run(task_name, run_id, conf) else None


def read_quota_variable() -> str | None:
    """The quota Variable as text, as a task would read it; None when it is not set."""
    from ses_ops.orchestration.connections import quota_variable

    return quota_variable()


def quota_source() -> str:
    """The place where the quota Variable is set; "nowhere" when it is not."""
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
    """Bring the DAGs of tasks up to date that were written just now.

    A few new tasks get their DAGs at once; for all others the DAG processor is asked to read the file. Returns False
    when Airflow does not know the DAG files of ses-ops yet: it will find them, with these tasks, by itself.

    With 1 000 tasks one turn of the DAG processor takes 8-20 s, the DAG of one task well under a second. A new task may
    have the name, and so the DAG, of a deleted task: the DAG's switch is turned on, whatever it was before.
    """
    for name in created:
        _set_switch(name, paused=False)
    written = len(created) <= _FEW and [write_dag(name) for name in created]
    if changed or not written or not all(written):
        return request_dag_parse()
    return True


def forget_task(task_name: str) -> None:
    """Remove a deleted task from Airflow: its queued runs fail, and the DAG processor is asked to read the file.

    The DAG's switch is turned on, because the next task of that name has the same DAG.
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
    """Write the DAG of a new task to Airflow, as the DAG processor would at its next turn.

    Returns False when the DAG processor has to do it. The file is read from where the DAG processor read it. Where this
    process does not have the file (an api-server needs no DAG files), or has it in a zip, whose modules would stay
    loaded, a parse request does the same a second later.
    """
    with _session() as session:
        from sqlalchemy.exc import IntegrityError, PendingRollbackError

        file = send_tasks_file(session)
        if file is None or file.packed or file.bundle_path is None or not file.path.is_file():
            return False
        with _ONE_AT_A_TIME, _parsing_only(dag_id(task_name)):
            bag = dag_bag(file.path, bundle_path=file.bundle_path, bundle_name=file.bundle)
        if bag.import_errors or set(bag.dags) != {dag_id(task_name)}:
            return False  # the file is being replaced, or the ses database could not be reached for a moment
        try:
            version, data = file.version, file.version_data
            sync_dags(bag, bundle_name=file.bundle, version=version, version_data=data, session=session)
            session.flush()
        except (IntegrityError, PendingRollbackError, OSError) as problem:
            # The DAG processor wrote the same DAG at this moment, or the file has been removed since.
            log.info("the DAG of %r is left to the DAG processor: %s", task_name, problem)
            session.rollback()
            return False
    return True


@contextmanager
def _parsing_only(wanted: str) -> Iterator[None]:
    """Make the DAG file make only this DAG, as in a worker."""
    # Airflow's own context manager for this leaves the variable of the environment behind.
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
    """Ask the DAG processor to read the send tasks now, not at its next turn.

    Returns False when Airflow does not know the DAG files of ses-ops yet. The request can get lost: see `wait_for_dag`.
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
            session.rollback()  # the same request exists already
    return True


def wait_for_dag(task_name: str, *, timeout: float) -> bool:
    """Request parses until the task's DAG exists; False when it does not within `timeout` seconds."""
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
    except SQLAlchemyError as cause:  # not reachable, no right to write, not migrated, no free connection in the pool
        first_line = (str(getattr(cause, "orig", None) or cause).strip() or type(cause).__name__).splitlines()[0]
        raise DatabaseUnavailable("airflow_database_unavailable", cause=first_line) from cause


#: The same session, for the modules beside this one.
metadata_session = _session


def _find_airflow() -> None:
    """Put the settings of the running stack into the environment, before Airflow is imported.

    Raises NotSetUp when no Airflow is configured, because Airflow would then make a home and an empty SQLite database.
    """
    if "airflow.settings" not in sys.modules:  # one of Airflow's own processes has read its settings already
        airflow_configuration.apply()
    if not airflow_configuration.is_configured():
        raise settings.no_airflow()
