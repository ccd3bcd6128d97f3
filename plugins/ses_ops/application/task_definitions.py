"""A person's definition of a send task becomes a task: by a YAML file or by the console's form, by the same rules.

The caller holds the transaction, so that several definitions can be applied together, or only tried.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import psycopg2.errors

from ses_ops.application.task_content import check_content, check_left
from ses_ops.domain.schedule import TaskType
from ses_ops.errors import Conflict, InvalidInput
from ses_ops.storage.named_sql import fetch_one
from ses_ops.storage.tasks import send_tasks
from ses_ops.storage.tasks.editions import mail_of_task
from ses_ops.storage.tasks.send_tasks import Applied, apply_task, task_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.send_task import SendTask


class NameTaken(InvalidInput):
    """Another send task has the name."""

    def __init__(self, name: str) -> None:
        super().__init__("task_name_taken", name=name, field="name")


class ChangedMeanwhile(Conflict):
    """A task is not what it was when a person began to change it."""


def apply_definition(
    conn: Connection,
    task: SendTask,
    *,
    now: datetime,
    where: str,
    templates_root: Path,
    by: str = "",
    may_start: bool = True,
) -> Applied:
    """Create or change a task that could send; raises what `apply_task`, `check_content` and `check_left` raise."""
    applied = apply_task(conn, task, now=now, where=where, by=by, may_start=may_start)
    row = send_tasks.find_row(conn, task.name)
    if audience_is_read(conn, row):
        check_left(conn, row["id"], task, templates_root)
        return applied
    check_content(conn, task, templates_root)
    if applied is Applied.CHANGED:
        check_left(conn, row["id"], task, templates_root)
    return applied


def audience_is_read(conn: Connection, row: Mapping[str, Any]) -> bool:
    """Whether all mail that a task will ever send is in the ledger: the group means nothing to it any more."""
    return row["type"] in (TaskType.IMMEDIATE, TaskType.SCHEDULED) and mail_of_task(conn, row["id"]).frozen


def create(conn: Connection, task: SendTask, *, now: datetime, templates_root: Path) -> Applied:
    """A new task. The same definition again (a form that was sent twice) does nothing.

    Raises NameTaken, and what `apply_definition` raises.
    """
    if fetch_one(conn, "send_tasks", "lock_task", name=task.name) is not None:
        if task_of(send_tasks.find_row(conn, task.name)) == task:
            return Applied.UNCHANGED
        raise NameTaken(task.name)
    try:
        return apply_definition(conn, task, now=now, where="", templates_root=templates_root)
    except psycopg2.errors.UniqueViolation as cause:  # somebody was quicker by a moment
        raise NameTaken(task.name) from cause


def change(
    conn: Connection,
    task: SendTask,
    *,
    seen: str,
    now: datetime,
    templates_root: Path,
    by: str = "",
    may_start: bool = True,
) -> Applied:
    """Change a task that exists and is what the person saw: `seen` is its fingerprint then.

    Raises NotFound, ChangedMeanwhile, and what `apply_definition` raises.
    """
    send_tasks.lock_row(conn, task.name)
    if fingerprint(task_of(send_tasks.find_row(conn, task.name))) != seen:
        raise ChangedMeanwhile("task_changed_meanwhile", name=task.name)
    return apply_definition(conn, task, now=now, where="", templates_root=templates_root, by=by, may_start=may_start)


def fingerprint(task: SendTask) -> str:
    """The same for two definitions that are equal: whether a task is still what a person saw when they began."""
    return hashlib.sha256(repr(task).encode()).hexdigest()[:16]
