"""Snapshots of all send tasks with their counts, read at most once a second."""

from __future__ import annotations

from functools import partial

from ses_ops.console.database import Snapshot
from ses_ops.storage.tasks.overview import KeptOverviews, TaskOverview, list_tasks

#: All tasks; shared by the lists, the overview and all progress bars.
TASKS: Snapshot[list[TaskOverview]] = Snapshot(KeptOverviews().list_tasks)
#: The deleted tasks, read only while a person looks for them.
DELETED: Snapshot[list[TaskOverview]] = Snapshot(partial(list_tasks, deleted=True))


def names_of_tasks() -> list[str]:
    """The names of all tasks; deleted tasks come last."""
    return [task.name for tasks in (TASKS, DELETED) for task in tasks.get()]
