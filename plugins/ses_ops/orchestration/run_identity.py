"""The identity of a DAG run: the send task that the run was made for.

A DAG has the name of its task, and the name of a deleted task can be used again: by the name alone, a run triggered for
the deleted task would send the mail of the new one. So the id of the task is written into the run's conf when the run
is made. Airflow has no hook for that, so a listener gets the rows that SQLAlchemy inserts; every process that makes a
run reads the DAG first, and the DAG's timetable installs the listener (`SendTaskTimetable.deserialize`).

The listener also refuses runs too far in the future, and sets the time of a resume: before Airflow 3.3 a task cannot
ask the api-server for a run of the future. A resume's id has its time; without that time it would run at once, and the
next run of the same id would never be made.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from ses_ops.domain.occurrence import resume_time
from ses_ops.domain.send_task import DAG_ID_PREFIX
from ses_ops.errors import SesError
from ses_ops.orchestration.operators.run_context import MADE_FOR, is_resume

log = logging.getLogger(__name__)

#: How far in the future a triggered run may be, and the largest number of such runs. A queued run counts as active
#: (`max_active_runs`) however far its time is: enough queued runs would keep the schedule's own runs from being made.
MOST_AHEAD = timedelta(days=35)
MOST_WAITING = 4
#: Seconds for which an unavailable database is not asked again, so that not every new run waits for it.
AWAY = 30.0
#: Types of runs that no person asks for: those of the schedule, and those that the task `settle` makes.
_OF_OURS = ("scheduled", "operator_triggered")

_away_until = 0.0


def install() -> None:
    """Listen to every run that this process makes from now on."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import event

    if not event.contains(DagRun, "before_insert", _before_insert):
        event.listen(DagRun, "before_insert", _before_insert)


def _before_insert(mapper: Any, connection: Any, run: Any) -> None:  # noqa: ARG001 - SQLAlchemy's interface
    """Complete the row of a new run. Raises ValueError, which Airflow's API answers with 400, for a refused run."""
    if not run.dag_id.startswith(DAG_ID_PREFIX):
        return
    from airflow.utils.types import DagRunTriggeredByType

    kind = str(getattr(run.run_type, "value", run.run_type))
    # Before Airflow 3.3 a run that a task asks for has the type of a run that a person asks for.
    if kind in _OF_OURS or run.triggered_by is DagRunTriggeredByType.OPERATOR:
        _set_time(run)
        return
    _refuse_far_ahead(connection, run)
    if is_resume(run.run_id, run.conf):
        return  # a resume sends only mail that is cached and due, of whichever task has the name
    made_for = _task_id(run.dag_id.removeprefix(DAG_ID_PREFIX))
    # An id copied from another run's conf ("trigger again with this configuration") is replaced.
    conf = {key: value for key, value in (run.conf or {}).items() if key != MADE_FOR}
    run.conf = conf if made_for is None else {**conf, MADE_FOR: made_for}


def _set_time(run: Any) -> None:
    due_at = resume_time(run.run_id)
    if due_at is not None and (run.run_after is None or run.run_after < due_at):
        run.run_after = due_at


def _refuse_far_ahead(connection: Any, run: Any) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.utils.types import DagRunTriggeredByType
    from sqlalchemy import func, select

    now = datetime.now(UTC)
    if run.run_after is None or run.run_after <= now:
        return
    if run.run_after > now + MOST_AHEAD:
        raise ValueError(f"a run of a send task can be asked for at most {MOST_AHEAD.days} days ahead")
    table = DagRun.__table__
    waiting = select(func.count()).where(
        table.c.dag_id == run.dag_id,
        table.c.state == "queued",
        table.c.run_after > now,
        table.c.run_type.not_in(_OF_OURS),
        table.c.triggered_by.is_distinct_from(DagRunTriggeredByType.OPERATOR),
    )
    if connection.execute(waiting).scalar_one() >= MOST_WAITING:
        raise ValueError(f"{MOST_WAITING} runs of this send task wait for their time already")


def _task_id(task_name: str) -> int | None:
    """The id of the task that has the name now; None when that cannot be found out."""
    global _away_until  # noqa: PLW0603
    if time.monotonic() < _away_until:
        return None
    # The imports stand here because each component and task of Airflow loads the timetable, and few make a run.
    from ses_ops.orchestration.connections import ses_db_dsn
    from ses_ops.storage.connection import connected, schema_problem
    from ses_ops.storage.tasks.send_tasks import id_of

    try:
        with connected(ses_db_dsn(), application="ses-ops runs") as conn:
            return id_of(conn, task_name)
    except SesError as problem:
        _away_until = time.monotonic() + AWAY
        log.warning("it cannot be noted for which send task %r a run is made: %s", task_name, problem)
    except Exception as problem:  # the run is made all the same, and `of_earlier_task` then decides by the times
        if words := schema_problem(problem):
            log.warning("it cannot be noted for which send task %r a run is made: %s", task_name, words)
            return None
        log.exception("it cannot be noted for which send task %r a run is made", task_name)
    return None
