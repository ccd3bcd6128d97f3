"""Every send task with its counts: read once a second for everybody who looks."""

from __future__ import annotations

from functools import partial

from ses_ops.console.database import Snapshot
from ses_ops.storage.tasks.overview import KeptOverviews, TaskOverview, list_tasks

#: Every task; shared by the lists, the overview and all progress bars.
TASKS: Snapshot[list[TaskOverview]] = Snapshot(KeptOverviews().list_tasks)
#: Those that were deleted: read only while somebody looks for them.
DELETED: Snapshot[list[TaskOverview]] = Snapshot(partial(list_tasks, deleted=True))


def names_of_tasks() -> list[str]:
    """The names of all tasks, those that were deleted after the others."""
    return [task.name for tasks in (TASKS, DELETED) for task in tasks.get()]
