"""Starts by hand of a triggered or recurring task.

The run itself is the change, so the scheduler is asked for it at once and not after a commit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.application.changed import Changed
from ses_ops.domain.occurrence import SEND_AGAIN
from ses_ops.domain.schedule import TaskType
from ses_ops.errors import Conflict
from ses_ops.storage.tasks import send_tasks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor, Scheduler
    from ses_ops.domain.send_task import SendTask


def startable(conn: Connection, name: str) -> SendTask:
    """The row of a task that can start by hand now. Raises NotFound, and Conflict for one that cannot."""
    row = send_tasks.find_row(conn, name)
    if row.cancelled_at is not None:
        raise Conflict("task_cancelled", name=name)
    if row.type not in (TaskType.TRIGGERED, TaskType.RECURRING):
        raise Conflict("task_starts_by_itself", name=name)
    if row.paused_at is not None:
        raise Conflict("task_paused", name=name)
    return row.definition


def starts_again(task: SendTask) -> bool:
    """Whether a start by hand is additional to those of the task's schedule."""
    return task.type is not TaskType.TRIGGERED


def start_now(actor: Actor, scheduler: Scheduler, task: SendTask, *, run_id: str) -> Changed:
    """Start a run of a task at once; no change when a run of that id exists. Raises NotFound without a DAG."""
    with actor.recorded("send_now", task=task.name, run=run_id):
        started = scheduler.trigger_run(task.name, run_id, {SEND_AGAIN: True} if starts_again(task) else {})
    return Changed(changed=started)
