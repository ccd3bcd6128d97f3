"""The send tasks that a person may see, with their counts: read once a second for everybody who looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.console.access import visible
from ses_ops.console.database import Snapshot
from ses_ops.storage.overview import KeptOverviews, TaskOverview

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

#: Every task; shared by the lists, the overview and all progress bars.
TASKS: Snapshot[list[TaskOverview]] = Snapshot(KeptOverviews().list_tasks)


def tasks_seen(user: BaseUser, *, fresh: bool = False) -> list[TaskOverview]:
    """What a person may see, in the order of creation; `fresh` for a whole page, not for what is polled."""
    tasks = TASKS.get(fresh=fresh)
    names = visible(user, (task.name for task in tasks))
    return [task for task in tasks if task.name in names]
