"""Send tasks in the database: apply, look up, pause, cancel, delete."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ses_ops.domain.clock import to_wall_clock, zone
from ses_ops.domain.message_state import OnUnknown
from ses_ops.domain.schedule import Schedule, TaskType, stored_schedule
from ses_ops.domain.send_task import SendTask, stored_advertisement
from ses_ops.domain.task_change import TaskChange
from ses_ops.errors import Conflict, InvalidInput, NotFound, StartNotAllowed
from ses_ops.storage.named_sql import execute, fetch_all, fetch_one
from ses_ops.storage.tasks import editions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.tasks.editions import MailOfTask

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
        roles=tuple(sorted(row["roles"])),
    )


def find_row(conn: Connection, name: str) -> dict[str, Any]:
    """The row of a task by name; raises NotFound."""
    row = fetch_one(conn, "send_tasks", "tasks", name=name)
    if row is None:
        raise NotFound("send task", name)
    return row


@dataclass(frozen=True, kw_only=True, slots=True)
class DeletedTask:
    """A task that had a name before."""

    id: int
    deleted_at: datetime


def row_to_show(conn: Connection, name: str, task_id: int | None = None) -> dict[str, Any]:
    """The row of a task to look at, not to change: of an id, else of a name, be it of a task that was deleted.

    As `find_row`, and `deleted_at`. Raises NotFound when no task ever had that name, or not with that id.
    """
    row = fetch_one(conn, "send_tasks", "task_to_show", name=name, task_id=task_id)
    if row is None:
        raise NotFound("send task", name)
    return row


def deleted_tasks_of(conn: Connection, name: str, *, most: int = 20) -> list[DeletedTask]:
    """The tasks that had a name and were deleted, the last one first."""
    return [DeletedTask(**row) for row in fetch_all(conn, "send_tasks", "deleted_of_name", name=name, most=most)]


def earlier_tasks(conn: Connection, name: str | None = None) -> dict[int, list[str]]:
    """By id the roles of each deleted task whose name another task has had since; with `name` of that name only."""
    return {row["id"]: row["roles"] for row in fetch_all(conn, "send_tasks", "earlier_tasks", name=name)}


def roles_of_tasks(conn: Connection) -> dict[str, tuple[str, ...]]:
    """By name the tasks that exist and have roles."""
    return {row["name"]: tuple(row["roles"]) for row in fetch_all(conn, "send_tasks", "roles_of_tasks")}


def id_of(conn: Connection, name: str) -> int | None:
    """The id of the task that has a name now; None when there is none."""
    row = fetch_one(conn, "send_tasks", "id_of_name", name=name)
    return None if row is None else int(row["id"])


def lock_row(conn: Connection, name: str) -> dict[str, Any]:
    """The row of a task, locked until the transaction ends; raises NotFound."""
    row = fetch_one(conn, "send_tasks", "lock_task", name=name)
    if row is None:
        raise NotFound("send task", name)
    return row


def rows_with_dag(
    conn: Connection, *, name: str | None = None, retention: timedelta = DAG_RETENTION
) -> list[dict[str, Any]]:
    """What the DAG file needs of every task that has a DAG; with `name` of that one only."""
    return fetch_all(conn, "send_tasks", "tasks_with_dag", name=name, retention=retention)


def apply_task(
    conn: Connection, task: SendTask, *, now: datetime, where: str, by: str = "", may_start: bool = True
) -> Applied:
    """Create or change a task; the caller holds the transaction.

    Applying an unchanged definition again does nothing. A change reaches all mail that has not left; what a sender has
    in hand at this moment leaves as it was, and is counted for the edition before. `by` is who changes it, `may_start`
    whether that person may start mail of it.
    Raises InvalidInput for a start that has passed or an unknown group, Conflict for what can change no more, and
    StartNotAllowed when mail would leave by it that this person may not start.
    """
    group = fetch_one(conn, "recipients", "group_by_name", name=task.group)
    if group is None:
        raise InvalidInput("no_such_group", group=task.group, where=where, field="group")
    row = fetch_one(conn, "send_tasks", "lock_task", name=task.name)
    values = _columns(task, group["id"])
    if row is None:
        _refuse_past(task, None, now, where)
        _refuse_without_start(task, now, where)
        fetch_one(conn, "send_tasks", "insert_task", **values)
        return Applied.CREATED
    current = find_row(conn, task.name)
    change = TaskChange(before=task_of(current), after=task)
    if change.before == task:
        return Applied.UNCHANGED
    if change.fields == ("roles",):  # no matter of its mail: it can change as long as there is the task
        execute(conn, "send_tasks", "set_roles", id=row["id"], roles=values["roles"])
        return Applied.CHANGED
    mail = check_changeable(conn, current, task)
    stands = current["error"] is not None and current["paused_at"] is None and mail.waiting > 0
    if not may_start and change.starts_mail(stands=stands):
        raise StartNotAllowed(task.name)
    if change.of_when:
        _refuse_past(task, change.before, now, where)
        _refuse_without_start(task, now, where)
    if change.of_content:
        editions.begin_edition(conn, row["id"], by=by)
    execute(conn, "send_tasks", "update_task", id=row["id"], **values)
    execute(conn, "chunks", "move_cached", task_id=row["id"], sender_domain=task.sender_domain, sooner=may_start)
    if change.of_content and may_start:
        execute(conn, "chunks", "hurry_refused", task_id=row["id"])
    return Applied.CHANGED


def check_changeable(conn: Connection, current: Mapping[str, Any], becomes: SendTask | None = None) -> MailOfTask:
    """Raise Conflict when the definition in a row can change no more, or not into `becomes`.

    A task with one start has had it once its occurrence has begun, and its recipients once they are read; what its mail
    is made of can change until all has left. Returns where its mail stands.
    """
    name = current["name"]
    if current["cancelled_at"] is not None:
        raise Conflict("task_name_cancelled", name=name)
    mail = editions.mail_of_task(conn, current["id"])
    once = {current["type"], becomes.type if becomes else None} & {TaskType.IMMEDIATE, TaskType.SCHEDULED}
    if not (mail.begun and once):
        return mail
    if mail.frozen and not mail.left:
        raise Conflict("task_mail_has_left", name=name)
    if current["group"] is None:
        raise Conflict("task_group_deleted", name=name)
    change = becomes and TaskChange(before=task_of(current), after=becomes)
    if change and ("type" in change.fields or "schedule" in change.fields):
        raise Conflict("task_start_has_begun", name=name)
    if change and mail.frozen and "group" in change.fields:
        raise Conflict("task_audience_frozen", name=name)
    return mail


def _refuse_past(task: SendTask, before: SendTask | None, now: datetime, where: str) -> None:
    """In the zone that the person wrote it in. What is stored already may have passed."""
    schedule, was = task.schedule, before.schedule if before else None
    for field in ("start_at", "until"):
        moment = getattr(schedule, field)
        if moment is None or (was is not None and moment == getattr(was, field)):
            continue
        if moment < now:
            shown = to_wall_clock(moment, zone(schedule.time_zone))
            moment_shown = f"{shown:%Y-%m-%d %H:%M} {schedule.time_zone}"
            raise InvalidInput("time_has_passed", value=moment_shown, where=where, field=field)


def _refuse_without_start(task: SendTask, now: datetime, where: str) -> None:
    """A recurring task that would never start: no slot of its cron expression is before its end."""
    schedule = task.schedule
    begin = schedule.start_at or now
    ahead = replace(schedule, start_at=begin).next_after(max(begin, now) - timedelta(microseconds=1))
    if schedule.type is TaskType.RECURRING and ahead is None:
        field = "until" if schedule.until is not None else "cron"
        raise InvalidInput("no_start_left", where=where, field=field)


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
        "roles": list(task.roles),
    }


def set_error(conn: Connection, name: str, error: str | None) -> None:
    """Put on show why a task cannot go on; None clears it."""
    execute(conn, "send_tasks", "set_error", name=name, error=error)


def pause(conn: Connection, name: str, *, reason: str) -> bool:
    """Stop a task's mail until it is resumed; False when it was paused already."""
    return execute(conn, "send_tasks", "set_paused", name=name, reason=reason) > 0


def keep_paused(conn: Connection, name: str, *, reason: str) -> None:
    """Say why a pause goes on that somebody tried to end."""
    execute(conn, "send_tasks", "set_paused_reason", name=name, reason=reason)


def resume(conn: Connection, name: str) -> bool:
    """End a person's pause; False when there was none."""
    return execute(conn, "send_tasks", "set_resumed", name=name) > 0


def cancel(conn: Connection, name: str, *, reason: str) -> bool:
    """Stop a task for good: what has not left is cancelled, for `reason`. False when it was cancelled already."""
    return execute(conn, "send_tasks", "set_cancelled", name=name, reason=reason) > 0


def delete(conn: Connection, name: str, *, reason: str) -> bool:
    """Take a task away; its ledger stays. False when there is none of that name."""
    return execute(conn, "send_tasks", "set_deleted", name=name, reason=reason) > 0
