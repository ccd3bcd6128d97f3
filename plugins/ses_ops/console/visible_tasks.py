"""The send tasks that a person may see, with their counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.console.access import visible
from ses_ops.console.earlier_tasks import hidden_tasks
from ses_ops.console.task_snapshots import DELETED, TASKS

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

    from ses_ops.storage.tasks.overview import TaskOverview


def tasks_seen(user: BaseUser, *, fresh: bool = False) -> list[TaskOverview]:
    """The tasks that a person may see, in order of creation; `fresh` for a whole page, not for a polled fragment."""
    return _seen(user, TASKS.get(fresh=fresh))


def deleted_tasks_seen(user: BaseUser, *, fresh: bool = False) -> list[TaskOverview]:
    """The deleted tasks that a person may see: those of names whose DAG the person may see."""
    found = _seen(user, DELETED.get(fresh=fresh))
    hidden = hidden_tasks(user) if found else ()
    return [task for task in found if task.id not in hidden]


def _seen(user: BaseUser, tasks: list[TaskOverview]) -> list[TaskOverview]:
    names = visible(user, (task.name for task in tasks))
    return [task for task in tasks if task.name in names]
