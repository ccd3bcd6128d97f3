"""Pause, resume, cancel and delete as a person of the console does them: recorded, decided, and told to Airflow.

One task's buttons (`tasks/actions.py`) and several tasks at once (`tasks/bulk.py`) do the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from fastapi import HTTPException

from ses_ops.application import task_decisions
from ses_ops.console import audit
from ses_ops.console.access import Right, may
from ses_ops.console.database import changing, reading
from ses_ops.console.language import N_
from ses_ops.console.quota_snapshot import quota_left
from ses_ops.console.tell_airflow import tell
from ses_ops.errors import SesError
from ses_ops.orchestration import control
from ses_ops.storage.tasks.overview import TaskOverview, list_tasks

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

#: Characters of a reason.
LONGEST_REASON = 500
_STARTS = N_("Mail of this task waits and would be sent. Ask an administrator for the right to trigger its DAG.")


@dataclass(frozen=True, kw_only=True)
class Resumed:
    """What a resume did."""

    #: False when there was nothing to resume: it waits for quota, and nobody paused it.
    changed: bool
    #: When it goes on by itself; None when it goes on now.
    until: datetime | None
    #: Whether Airflow could be told.
    told: bool


def pause(user: BaseUser, name: str, *, reason: str) -> bool:
    """Stop a task's mail; False when it was paused already. All of these raise as the decisions do."""
    why = reason[:LONGEST_REASON]
    who = f"paused by {user.get_name()}"
    with audit.recorded(user, "pause_task", task=name, reason=why), changing() as conn:
        changed = task_decisions.pause(conn, name, reason=f"{who}: {why}" if why else who)
    tell(lambda: control.pause_dag(name))
    return changed


def resume(user: BaseUser, name: str) -> Resumed:
    """End a pause, clear an error, and send what waits as the quota allows: that needs the right to start, too."""
    left = _quota_left(name)
    if (until := _waits_until(name)) and not left:
        return Resumed(changed=False, until=until, told=True)
    with audit.recorded(user, "resume_task", task=name), changing() as conn:
        kind = task_decisions.resume(conn, name, allow=lambda _: _check_start(user, name), quota_left=left)
    tell(lambda: control.unpause_dag(name))
    told = kind is None or tell(lambda: control.start_run(name, kind))
    try:
        until = _waits_until(name)
    except SesError:
        until = None  # it is resumed, whatever can be said of it just now
    return Resumed(changed=True, until=until, told=told)


def cancel(user: BaseUser, name: str) -> bool:
    """Stop a task for good; False when it was cancelled already."""
    with audit.recorded(user, "cancel_task", task=name), changing() as conn:
        return task_decisions.cancel(conn, name, by=str(user.get_name()))


def delete(user: BaseUser, name: str) -> None:
    """Take a task away."""
    with audit.recorded(user, "delete_task", task=name), changing() as conn:
        task_decisions.delete(conn, name, by=str(user.get_name()))
    tell(lambda: control.forget_task(name))


def _quota_left(name: str) -> bool:
    task = _overview(name)
    return task is not None and task.cached_count > 0 and quota_left(task.sender_domain, name, fresh=True)


def _waits_until(name: str) -> datetime | None:
    """When a task goes on by itself that waits for quota and for nothing else."""
    task = _overview(name)
    return task.next_run_at if task is not None and task.waits_for_quota else None


def _overview(name: str) -> TaskOverview | None:
    with reading() as conn:
        return next(iter(list_tasks(conn, name=name)), None)


def _check_start(user: BaseUser, name: str) -> None:
    if not may(user, Right.START, name):
        raise HTTPException(403, _STARTS)
