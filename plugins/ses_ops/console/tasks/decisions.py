"""Pause, resume, cancel and delete as a person of the console does them: decided, then told to Airflow.

One task's buttons (`tasks/actions.py`) and several tasks at once (`tasks/bulk.py`) do the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ses_ops.application import task_decisions
from ses_ops.console.actor import actor_of
from ses_ops.console.database import changing
from ses_ops.console.quota_snapshot import quota_left
from ses_ops.console.tell_airflow import tell

if TYPE_CHECKING:
    from datetime import datetime

    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

    from ses_ops.storage.tasks.overview import TaskOverview

#: Characters of a reason.
LONGEST_REASON = 500


class Resumed(NamedTuple):
    """What a resume did."""

    #: False when there was nothing to resume: it waits for quota, and nobody paused it.
    changed: bool
    #: When it goes on by itself; None when it goes on now.
    until: datetime | None
    #: What Airflow was not told, to be translated.
    untold: str | None


def pause(user: BaseUser, name: str, *, reason: str) -> bool:
    """Stop a task's mail; False when it was paused already. All of these raise as the decisions do."""
    with changing() as conn:
        done = task_decisions.pause(conn, actor_of(user), name, reason=reason[:LONGEST_REASON])
    tell(done)
    return done.changed


def resume(user: BaseUser, name: str) -> Resumed:
    """End a pause, clear an error, and send what waits as the quota allows: that needs the right to start, too."""
    with changing() as conn:
        done = task_decisions.resume(conn, actor_of(user), name, quota_left=_quota_left)
    untold = tell(done)
    return Resumed(done.changed, done.waits.next_run_at if done.waits else None, untold)


def cancel(user: BaseUser, name: str) -> bool:
    """Stop a task for good; False when it was cancelled already."""
    with changing() as conn:
        return task_decisions.cancel(conn, actor_of(user), name).changed


def delete(user: BaseUser, name: str) -> None:
    """Take a task away."""
    with changing() as conn:
        done = task_decisions.delete(conn, actor_of(user), name)
    tell(done)


def _quota_left(task: TaskOverview) -> bool:
    return quota_left(task.sender_domain, task.name, fresh=True)
