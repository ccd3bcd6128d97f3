"""Which send task a DAG run was made for, noted in its conf when it is made; and which runs are not made at all.

A DAG has the name of its task, and a deleted task gives its name free: by the name alone, what was triggered for the
one would be carried out on the other. Airflow has no hook for it, so this listens to the rows that it inserts. All
that makes a run reads the DAG first, so its timetable installs the listener (`SendTaskTimetable.deserialize`).

A resume's id says when it is to run. Before Airflow 3.3 a task cannot ask the api-server for a run of the future: it
would run at once, and the next one of its id would never be made. So its time is set here, where the row is made.
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

#: How far ahead a run may be asked for, and how many of them may wait for their time. A queued run counts as active
#: (`max_active_runs`) however far its time is: enough of them would keep the schedule's own runs from being made.
MOST_AHEAD = timedelta(days=35)
MOST_WAITING = 4
#: Seconds in which a database that was away is not asked again: whoever makes runs must not wait for it at each.
AWAY = 30.0
#: Types of run that nobody asks for: those of the schedule, and those that our settle makes.
_OF_OURS = ("scheduled", "operator_triggered")

_away_until = 0.0


def install() -> None:
    """Listen to every run that this process makes from now on."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import event

    if not event.contains(DagRun, "before_insert", _before_insert):
        event.listen(DagRun, "before_insert", _before_insert)


def _before_insert(mapper: Any, connection: Any, run: Any) -> None:  # noqa: ARG001 - SQLAlchemy's interface
    """Raise ValueError, which Airflow's API answers with 400, for a run that may not be made."""
    if not run.dag_id.startswith(DAG_ID_PREFIX):
        return
    from airflow.utils.types import DagRunTriggeredByType

    kind = str(getattr(run.run_type, "value", run.run_type))
    # Before Airflow 3.3, what a task asks for has the type of what a person asks for.
    if kind in _OF_OURS or run.triggered_by is DagRunTriggeredByType.OPERATOR:
        _set_time(run)
        return
    _refuse_far_ahead(connection, run)
    if is_resume(run.run_id, run.conf):
        return  # sends only what its task has cached and due, whichever that is
    made_for = _task_id(run.dag_id.removeprefix(DAG_ID_PREFIX))
    # What is copied from another run's conf ("trigger again with this configuration") is not believed.
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
    """The task that has the name now; None when that cannot be found out."""
    global _away_until  # noqa: PLW0603
    if time.monotonic() < _away_until:
        return None
    # Not above: each component and task of Airflow loads the timetable, and few of them make a run.
    from ses_ops.orchestration.connections import ses_db_dsn
    from ses_ops.storage.connection import connected, schema_problem
    from ses_ops.storage.tasks.send_tasks import id_of

    try:
        with connected(ses_db_dsn(), application="ses-ops runs") as conn:
            return id_of(conn, task_name)
    except SesError as problem:
        _away_until = time.monotonic() + AWAY
        log.warning("it cannot be noted for which send task %r a run is made: %s", task_name, problem)
    except Exception as problem:  # a run must be made all the same: then the time tells
        if words := schema_problem(problem):
            log.warning("it cannot be noted for which send task %r a run is made: %s", task_name, words)
            return None
        log.exception("it cannot be noted for which send task %r a run is made", task_name)
    return None
