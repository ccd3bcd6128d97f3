"""The interval at which an open page polls: short while mail is sent, else long.

A poll costs 0.2 s with a thousand tasks (docs/decisions/0006), so a page that is left open over night must not poll
every two seconds. A person's own change leads to a whole new page, which shows the change at once; only the changes of
others are seen late.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ses_ops.domain.task_status import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ses_ops.storage.tasks.overview import TaskOverview

#: Seconds between two polls while mail is sent or about to be, and while it is not.
MOVING, STILL = 2, 12
#: The time within which Airflow begins a run that is due; a later run has a reason that does not pass by itself.
_BEGINS_WITHIN = timedelta(minutes=2)


def pace(tasks: Iterable[TaskOverview], *, now: datetime) -> int:
    """Seconds until the next poll: never later than the moment at which the next mail is due."""
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
