"""The trigger of SendTaskOperator: waits until all mail of a run has its outcome."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from ses_ops.errors import DatabaseUnavailable, LookUpFailed, SesError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class RunFinishedTrigger(BaseTrigger):
    """Looks into the ses database every `poll_interval` seconds, until `until` (seconds since 1970).

    The event has `counts` when all mail has its outcome, or `problem` when it does not go on before a person acts. An
    unavailable database is asked again.
    """

    def __init__(self, *, task_id: int, run_id: str | None, poll_interval: float, until: float) -> None:
        super().__init__()
        self.send_task_id = task_id
        self.run_id = run_id
        self.poll_interval = poll_interval
        self.until = until

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What Airflow stores."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "task_id": self.send_task_id,
                "run_id": self.run_id,
                "poll_interval": self.poll_interval,
                "until": self.until,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until the run is finished."""
        from asgiref.sync import sync_to_async

        # A thread for each look: a database that hangs must not hold up the other triggers.
        look = sync_to_async(event_of, thread_sensitive=False)
        while True:
            try:
                if event := await look(self.send_task_id, self.run_id):
                    yield TriggerEvent(event)
                    return
            except (DatabaseUnavailable, LookUpFailed) as problem:
                self.log.warning("%s; asked again in %s s", problem, self.poll_interval)
            except SesError as problem:
                yield TriggerEvent({"problem": str(problem)})
                return
            if time.time() >= self.until:
                yield TriggerEvent({"timeout": True})
                return
            await asyncio.sleep(self.poll_interval)


def event_of(task_id: int, run_id: str | None) -> dict[str, Any] | None:
    """What has become of a run; None while its mail goes on. Raises SesError."""
    from ses_ops.application.task_runs import run_standing
    from ses_ops.orchestration.connections import ses_db_dsn
    from ses_ops.storage.connection import connected

    with connected(ses_db_dsn(), application="ses-ops waiting") as conn:
        standing = run_standing(conn, task_id, run_id)
    if standing.finished:
        return {"counts": standing.counts}
    return None if standing.problem is None else {"problem": str(standing.problem)}
