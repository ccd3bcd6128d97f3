"""Creation and change of send tasks from definitions.

YAML files and the console's form follow the same rules. `apply_definition`, `write_new` and `write_change` run in the
caller's transaction, which the caller may roll back to try a definition.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_ops.application.changed import Changed, Notice, RunWanted, TasksWritten
from ses_ops.application.task_changes import apply_task
from ses_ops.application.task_content import check_content, check_left
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.task_change import TaskChange
from ses_ops.errors import Conflict, InvalidInput, NotFound
from ses_ops.storage.connection import KeyTaken, transaction
from ses_ops.storage.tasks import send_tasks
from ses_ops.storage.tasks.editions import due_now, mail_of_task
from ses_ops.storage.tasks.send_tasks import Applied

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime
    from pathlib import Path

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.domain.send_task import SendTask
    from ses_ops.storage.tasks.stored_task import StoredTask


class NameTaken(InvalidInput):
    """Error: another send task has the name."""

    def __init__(self, name: str) -> None:
        super().__init__("task_name_taken", name=name, field="name")


class ChangedMeanwhile(Conflict):
    """Error: a task was changed by somebody else since a person began to change it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AppliedDefinitions(Changed):
    """The result of applied definitions."""

    #: Results by the task's name.
    applied: Mapping[str, Applied]
    #: Roles by the task's name, of the tasks whose DAGs other roles have now.
    roles: Mapping[str, tuple[str, ...]]


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
    """Create or change a task that can be sent. Raises what `apply_task`, `check_content` and `check_left` raise."""
    applied = apply_task(conn, task, now=now, where=where, by=by, may_start=may_start)
    row = send_tasks.find_row(conn, task.name)
    if audience_is_read(conn, row):
        check_left(conn, row.id, task, templates_root)
        return applied
    check_content(conn, task, templates_root)
    if applied is Applied.CHANGED:
        check_left(conn, row.id, task, templates_root)
    return applied


def audience_is_read(conn: Connection, row: StoredTask) -> bool:
    """Whether all mail that a task will ever send is in the ledger: the group means nothing to it any more."""
    return row.type in (TaskType.IMMEDIATE, TaskType.SCHEDULED) and mail_of_task(conn, row.id).frozen


def create(
    conn: Connection, actor: Actor, task: SendTask, *, now: datetime, templates_root: Path
) -> AppliedDefinitions:
    """Create a task. The same definition again changes nothing. Raises what `write_new` raises."""
    with actor.recorded("create_task", task=task.name, **_facts(task)), transaction(conn):
        applied = write_new(conn, task, now=now, templates_root=templates_root)
        roles = {task.name: task.roles} if applied is Applied.CREATED else {}
        if roles:
            actor.give_roles(roles)
    return _written({task.name: applied}, roles, due=())


def write_new(conn: Connection, task: SendTask, *, now: datetime, templates_root: Path) -> Applied:
    """Create a task in the caller's transaction. The same definition again (a form sent twice) changes nothing.

    Raises NameTaken, and what `apply_definition` raises.
    """
    if send_tasks.lock_row_if_any(conn, task.name) is not None:
        if send_tasks.find_row(conn, task.name).definition == task:
            return Applied.UNCHANGED
        raise NameTaken(task.name)
    try:
        return apply_definition(conn, task, now=now, where="", templates_root=templates_root)
    except KeyTaken as cause:  # another transaction created the task in this moment
        raise NameTaken(task.name) from cause


def change(
    conn: Connection, actor: Actor, task: SendTask, *, seen: str, now: datetime, templates_root: Path
) -> AppliedDefinitions:
    """Change an existing task that still has the fingerprint `seen`, with which the person saw it.

    Mail that an error stopped is sent with the new definition. Raises what `write_change` raises.
    """
    changed = _changed_fields(conn, task)
    with actor.recorded("change_task", task=task.name, changed=changed), transaction(conn):
        applied = write_change(conn, actor, task, seen=seen, now=now, templates_root=templates_root)
        roles = {task.name: task.roles} if "roles" in changed else {}
        if roles:
            actor.give_roles(roles)
        due = actor.may_start(task.name) and due_now(conn, task.name)
    return _written({task.name: applied}, roles, due=(task.name,) if due else ())


def write_change(
    conn: Connection, actor: Actor, task: SendTask, *, seen: str, now: datetime, templates_root: Path
) -> Applied:
    """Change a task, in the caller's transaction.

    Raises NotFound, ChangedMeanwhile, and what `apply_definition` raises.
    """
    send_tasks.lock_row(conn, task.name)
    if fingerprint(send_tasks.find_row(conn, task.name).definition) != seen:
        raise ChangedMeanwhile("task_changed_meanwhile", name=task.name)
    may_start = actor.may_start(task.name)
    return apply_definition(
        conn, task, now=now, where="", templates_root=templates_root, by=actor.name, may_start=may_start
    )


def apply(
    conn: Connection,
    actor: Actor,
    tasks: Mapping[str, SendTask],
    write: Callable[[], Mapping[str, Applied]],
) -> AppliedDefinitions:
    """Create and change tasks together, all or none: `write` creates and changes, and raises for any wrong one.

    `tasks` are the tasks that `write` may write, by name.
    """
    before = {name: stored(conn, name) for name in tasks}
    with ExitStack() as entries:
        for name, task in tasks.items():
            if (was := before[name]) is None:
                entries.enter_context(actor.recorded("create_task", task=name, **_facts(task)))
            elif fields := TaskChange(before=was, after=task).fields:
                entries.enter_context(actor.recorded("change_task", task=name, changed=list(fields)))
        with transaction(conn):
            applied = write()
            roles = {name: task.roles for name, task in tasks.items() if _other_roles(before[name], task)}
            if roles:
                actor.give_roles(roles)
            due = [name for name, one in applied.items() if one is Applied.CHANGED and due_now(conn, name)]
    return _written(applied, roles, due=due)


def stored(conn: Connection, name: str) -> SendTask | None:
    """A task's definition; None when there is no task of that name."""
    try:
        return send_tasks.find_row(conn, name).definition
    except NotFound:
        return None


def _other_roles(before: SendTask | None, task: SendTask) -> bool:
    return before is None or before.roles != task.roles


def _changed_fields(conn: Connection, task: SendTask) -> list[str]:
    before = stored(conn, task.name)
    return list(TaskChange(before=before, after=task).fields) if before else []


def _facts(task: SendTask) -> dict[str, Any]:
    """The details of a new task for the audit log."""
    facts: dict[str, Any] = {
        "type": task.type.value,
        "template": task.template,
        "group": task.group,
        "sender": task.sender,
    }
    return {**facts, "roles": list(task.roles)} if task.roles else facts


def _written(
    applied: Mapping[str, Applied], roles: Mapping[str, tuple[str, ...]], *, due: Collection[str]
) -> AppliedDefinitions:
    created = tuple(name for name, one in applied.items() if one is Applied.CREATED)
    changed = tuple(name for name, one in applied.items() if one is Applied.CHANGED)
    notices: tuple[Notice, ...] = (TasksWritten(created=created, changed=changed),) if created or changed else ()
    # Mail that an error or a refusal stopped is sent from now on.
    notices += tuple(RunWanted(task=name) for name in due if name in changed)
    return AppliedDefinitions(changed=bool(created or changed), applied=applied, roles=roles, scheduler=notices)


def fingerprint(task: SendTask) -> str:
    """A fingerprint, the same for equal definitions: it shows whether a task is still the one that a person saw."""
    return hashlib.sha256(repr(task).encode()).hexdigest()[:16]
