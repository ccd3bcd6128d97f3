"""How often an open page asks for what moves: at once while mail leaves, seldom while nothing can have changed.

A thousand tasks cost 0.2 s a look (docs/decisions/0006), so a page that is left open over night must not take one every
two seconds. What a person does leads to a whole page, which shows it at once; what waits here is what others do.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ses_ops.domain.task_status import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ses_ops.storage.tasks.overview import TaskOverview

#: Seconds while mail leaves or is about to, and while it does not.
MOVING, STILL = 2, 12
#: Airflow begins what is due within this, or it does not for a reason that does not pass by itself.
_BEGINS_WITHIN = timedelta(minutes=2)


def pace(tasks: Iterable[TaskOverview], *, now: datetime) -> int:
    """Seconds after which something can look different: never past the moment at which the next mail leaves."""
    every = STILL
    for task in tasks:
        if task.status is TaskStatus.SENDING:
            return MOVING
        due = task.next_run_at
        if due is None or task.paused_by_person or task.status is TaskStatus.ERROR:
            continue
        if now - _BEGINS_WITHIN < due < now + timedelta(seconds=STILL):
            every = min(every, max(MOVING, int((due - now).total_seconds())))
    return every
