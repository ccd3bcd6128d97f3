"""Send tasks in the database: apply, look up, pause, cancel, delete."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ses_ops.domain.message_state import OnUnknown
from ses_ops.domain.schedule import Schedule, TaskType, stored_schedule
from ses_ops.domain.send_task import SendTask, stored_advertisement
from ses_ops.errors import Conflict, InvalidInput, NotFound
from ses_ops.storage.sql import execute, fetch_all, fetch_one

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import connection as Connection

#: How long the DAG of a finished or cancelled task is still made.
DAG_RETENTION = timedelta(days=7)


class Applied(StrEnum):
    """What applying a definition did."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


def schedule_of(row: Mapping[str, Any]) -> Schedule:
    """The schedule of a task's row. Never fails: what cannot be worked out is its `problem`."""
    task_type = TaskType(row["type"])
    start_at = row["start_at"]
    if start_at is None and task_type in (TaskType.IMMEDIATE, TaskType.RECURRING):
        start_at = row["created_at"]
    return stored_schedule(
        task_type,
        time_zone=row["time_zone"],
        start_at=start_at,
        every=row["every"],
        cron=row["cron"],
        until=row["until"],
    )


def task_of(row: Mapping[str, Any]) -> SendTask:
    """The definition in a task's row, as it was applied."""
    return SendTask(
        name=row["name"],
        type=TaskType(row["type"]),
        template=row["template"],
        sender=row["sender"],
        sender_domain=row["sender_domain"],
        group=row["group"],
        schedule=replace(schedule_of(row), start_at=row["start_at"]),
        subject=row["subject"],
        reply_to=row["reply_to"],
        unsubscribe_url=row["unsubscribe_url"],
        advertisement=stored_advertisement(row["advertisement"]),
        start_grace=row["start_grace"],
        on_unknown=OnUnknown(row["on_unknown"]),
    )


def find_row(conn: Connection, name: str) -> dict[str, Any]:
    """The row of a task by name; raises NotFound."""
    row = fetch_one(conn, "send_tasks", "tasks", name=name)
    if row is None:
        raise NotFound("send task", name, hint="`ses task list` shows them all")
    return row


def id_of(conn: Connection, name: str) -> int | None:
    """The id of the task that has a name now; None when there is none."""
    row = fetch_one(conn, "send_tasks", "id_of_name", name=name)
    return None if row is None else int(row["id"])


def lock_row(conn: Connection, name: str) -> dict[str, Any]:
    """The row of a task, locked until the transaction ends; raises NotFound."""
    row = fetch_one(conn, "send_tasks", "lock_task", name=name)
    if row is None:
        raise NotFound("send task", name, hint="`ses task list` shows them all")
    return row


def rows_with_dag(
    conn: Connection, *, name: str | None = None, retention: timedelta = DAG_RETENTION
) -> list[dict[str, Any]]:
    """What the DAG file needs of every task that has a DAG; with `name` of that one only."""
    return fetch_all(conn, "send_tasks", "tasks_with_dag", name=name, retention=retention)


def apply_task(conn: Connection, task: SendTask, *, now: datetime, where: str) -> Applied:
    """Create or change a task; the caller holds the transaction.

    Applying an unchanged definition again does nothing. Raises InvalidInput for a start that has passed or an unknown
    group, and Conflict when the one occurrence of the task has already begun.
    """
    group = fetch_one(conn, "recipients", "group_by_name", name=task.group)
    if group is None:
        raise InvalidInput(
            f"there is no recipient group {task.group!r}; `ses group import {task.group} FILE.csv` makes it",
            where=where,
            field="group",
        )
    row = fetch_one(conn, "send_tasks", "lock_task", name=task.name)
    values = _columns(task, group["id"])
    if row is None:
        _refuse_past(task, None, now, where)
        _refuse_without_start(task, now, where)
        fetch_one(conn, "send_tasks", "insert_task", **values)
        return Applied.CREATED
    current = find_row(conn, task.name)
    if task_of(current) == task:
        return Applied.UNCHANGED
    check_changeable(conn, current, task.type)
    _refuse_past(task, current["start_at"], now, where)
    _refuse_without_start(task, now, where)
    execute(conn, "send_tasks", "update_task", id=row["id"], **values)
    execute(conn, "chunks", "move_cached", task_id=row["id"], sender_domain=task.sender_domain)
    return Applied.CHANGED


def check_changeable(conn: Connection, current: Mapping[str, Any], becomes: TaskType | None = None) -> None:
    """Raise Conflict when the definition in a row can change no more; `becomes` is the type that it would get."""
    name = current["name"]
    if current["cancelled_at"] is not None:
        raise Conflict(f"send task {name!r} is cancelled; delete it first or choose another name")
    started = fetch_one(conn, "send_tasks", "occurrence_exists", task_id=current["id"])
    if started and started["exists"] and {current["type"], becomes} & {TaskType.IMMEDIATE, TaskType.SCHEDULED}:
        raise Conflict(f"send task {name!r} has already begun to send and cannot change; choose another name")


def _refuse_past(task: SendTask, current_start: datetime | None, now: datetime, where: str) -> None:
    start, until = task.schedule.start_at, task.schedule.until
    if start is not None and start != current_start and start < now:
        raise InvalidInput(f"{start:%Y-%m-%d %H:%M} UTC has passed", where=where, field="start_at")
    if until is not None and until <= now:
        raise InvalidInput(f"{until:%Y-%m-%d %H:%M} UTC has passed", where=where, field="until")


def _refuse_without_start(task: SendTask, now: datetime, where: str) -> None:
    """A recurring task that would never start: no slot of its cron expression is before its end."""
    schedule = task.schedule
    begin = schedule.start_at or now
    ahead = replace(schedule, start_at=begin).next_after(max(begin, now) - timedelta(microseconds=1))
    if schedule.type is TaskType.RECURRING and ahead is None:
        field = "until" if schedule.until is not None else "cron"
        raise InvalidInput("no start of this task is left until then", where=where, field=field)


def _columns(task: SendTask, group_id: int) -> dict[str, Any]:
    schedule = task.schedule
    return {
        "name": task.name,
        "type": task.type.value,
        "template": task.template,
        "subject": task.subject,
        "sender": task.sender,
        "sender_domain": task.sender_domain,
        "group_id": group_id,
        "start_at": schedule.start_at,
        "time_zone": schedule.time_zone,
        "every": str(schedule.every) if schedule.every else None,
        "cron": schedule.cron,
        "until": schedule.until,
        "reply_to": task.reply_to,
        "unsubscribe_url": task.unsubscribe_url,
        "advertisement": task.advertisement.value,
        "start_grace": task.start_grace,
        "on_unknown": task.on_unknown.value,
    }


def set_error(conn: Connection, name: str, error: str | None) -> None:
    """Put on show why a task cannot go on; None clears it."""
    execute(conn, "send_tasks", "set_error", name=name, error=error)


def pause(conn: Connection, name: str, *, reason: str) -> bool:
    """Stop a task's mail until it is resumed; False when it was paused already."""
    return execute(conn, "send_tasks", "set_paused", name=name, reason=reason) > 0


def resume(conn: Connection, name: str) -> bool:
    """End a person's pause; False when there was none."""
    return execute(conn, "send_tasks", "set_resumed", name=name) > 0


def cancel(conn: Connection, name: str) -> bool:
    """Stop a task for good: what has not left stays in the ledger, unsent. False when it was cancelled already."""
    return execute(conn, "send_tasks", "set_cancelled", name=name) > 0


def delete(conn: Connection, name: str) -> bool:
    """Take a task away; its ledger stays. False when there is none of that name."""
    return execute(conn, "send_tasks", "set_deleted", name=name) > 0
