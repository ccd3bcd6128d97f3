"""The pause of a send task follows the pause switch of its DAG."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from ses_ops.application import dag_switch
from ses_ops.application.ports import Actor
from ses_ops.domain.send_task import dag_id
from ses_ops.orchestration.connections import ses_db_dsn
from ses_ops.storage.connection import connected

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg2.extensions import connection as Connection

log = logging.getLogger(__name__)

#: Seconds between two checks of the switch while mail is being sent.
WATCH_INTERVAL = 2.0


def follow_switch(
    task_name: str, *, paused: bool, user: str | None = None, may_start: Callable[[], bool] = lambda: True
) -> None:
    """Pause or resume the send task as its switch was turned. Raises SesError when the database is unavailable."""
    actor = Actor(name=user or "", may_start=lambda _: may_start())
    with connected(ses_db_dsn(), application="ses-ops pause") as conn:
        dag_switch.follow_switch(conn, actor, task_name, paused=paused)


def resume_if_switched_on(conn: Connection, task_instance: Any, task_name: str) -> None:
    """Resume a send task that was paused by the switch, if the switch is on again.

    `airflow dags unpause` writes to Airflow's database alone, and only a run at work notices that.
    """
    dag_switch.resume_if_switched_on(conn, task_name, lambda: not task_instance.get_dag(dag_id(task_name)).is_paused)


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
