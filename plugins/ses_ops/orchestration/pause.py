"""The pause of a send task follows the pause switch of its DAG."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from ses_ops.application import task_decisions
from ses_ops.domain.send_task import dag_id
from ses_ops.orchestration.connections import ses_db_dsn
from ses_ops.storage.connection import connected, transaction
from ses_ops.storage.tasks import send_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg2.extensions import connection as Connection

log = logging.getLogger(__name__)

#: The beginning of the reason of every pause that came from the switch.
PAUSED_IN_AIRFLOW = "paused in Airflow"
#: Seconds between two checks of the switch while mail is being sent.
WATCH_INTERVAL = 2.0


def follow_switch(
    task_name: str, *, paused: bool, user: str | None = None, may_start: Callable[[], bool] = lambda: True
) -> None:
    """Pause or resume the send task as its DAG's switch was turned. Raises SesError when the database is unavailable.

    In Airflow everybody who may edit a DAG can turn its switch. Pending mail does not leave by that alone: the task
    stays paused, with a reason that says so, when the person who turned the switch on may not start a run of the DAG.
    """
    with connected(ses_db_dsn(), application="ses-ops pause") as conn:
        if not paused and task_decisions.starts_mail(conn, task_name) and not may_start():
            why = f"turned on in Airflow by {user or 'somebody'}, who may not start mail of this task"
            with transaction(conn):
                send_tasks.keep_paused(conn, task_name, reason=why)
            return
        with transaction(conn):
            if paused:
                send_tasks.pause(conn, task_name, reason=PAUSED_IN_AIRFLOW + (f" by {user}" if user else ""))
            else:
                send_tasks.resume(conn, task_name)


def resume_if_switched_on(conn: Connection, task_instance: Any, task_name: str) -> None:
    """Resume a send task that was paused by the switch, if the switch is on again.

    `airflow dags unpause` writes to Airflow's database alone, and only a run at work notices that. The switch is read
    after the row of the send task: a pause is written to the row after the switch, so a pause of this moment stays.
    """
    with transaction(conn):
        row = send_tasks.find_row(conn, task_name)
    if row.paused_at is None or not (row.paused_reason or "").startswith(PAUSED_IN_AIRFLOW):
        return
    if not task_instance.get_dag(dag_id(task_name)).is_paused:
        with transaction(conn):
            send_tasks.resume(conn, task_name)


class PauseWatch:
    """A context manager that watches the DAG's switch and pauses the send task when the switch is off.

    A change by the REST API or the UI is written to the send task at once (pause_switch.py); `airflow dags pause` is
    noticed only here. The channel to the supervisor has a lock, so that a thread may use it.
    """

    def __init__(self, task_instance: Any, task_name: str, *, interval: float = WATCH_INTERVAL) -> None:
        self._task_instance = task_instance
        self._task_name = task_name
        self._interval = interval
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pause watch", daemon=True)

    def __enter__(self) -> PauseWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(timeout=self._interval)

    def _watch(self) -> None:
        while not self._done.wait(self._interval):
            try:
                if self._task_instance.get_dag(dag_id(self._task_name)).is_paused and not self._done.is_set():
                    follow_switch(self._task_name, paused=True)
                    return
            except Exception as problem:  # the api-server cannot be reached now; the next check may succeed
                log.warning("cannot tell whether the DAG is paused: %s", problem)
