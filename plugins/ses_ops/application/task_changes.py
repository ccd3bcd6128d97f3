"""Storing of definitions: what can still change, and its effect on mail.

This module decides what of a task can still change, and what a change does to its mail.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ses_ops.domain.clock import to_wall_clock, zone
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.task_change import TaskChange
from ses_ops.errors import Conflict, InvalidInput, StartNotAllowed
from ses_ops.storage.audience import recipients
from ses_ops.storage.ledger import chunks
from ses_ops.storage.tasks import editions, send_tasks
from ses_ops.storage.tasks.send_tasks import Applied
from ses_ops.storage.tasks.stored_task import TaskColumns

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.send_task import SendTask
    from ses_ops.storage.tasks.editions import MailOfTask
    from ses_ops.storage.tasks.stored_task import StoredTask


def apply_task(
    conn: Connection, task: SendTask, *, now: datetime, where: str, by: str = "", may_start: bool = True
) -> Applied:
    """Create or change a task; the caller holds the transaction.

    Applying an unchanged definition again does nothing. A change reaches all mail that has not left, except the
    messages that a sender has in memory at this moment: they leave as they were and count for the edition before. `by`
    is who changes it, `may_start` whether that person may start mail of it. Raises InvalidInput for a start that has
    passed or an unknown group, Conflict for what can change no more, and StartNotAllowed when mail would leave by it
    that this person may not start.
    """
    group = recipients.group_if_any(conn, task.group)
    if group is None:
        raise InvalidInput("no_such_group", group=task.group, where=where, field="group")
    row = send_tasks.lock_row_if_any(conn, task.name)
    columns = _columns(task, group.id)
    if row is None:
        _refuse_past(task, None, now, where)
        _refuse_without_start(task, now, where)
        send_tasks.insert(conn, columns)
        return Applied.CREATED
    current = send_tasks.find_row(conn, task.name)
    change = TaskChange(before=current.definition, after=task)
    if change.before == task:
        return Applied.UNCHANGED
    if change.fields == ("roles",):  # no matter of its mail: it can change as long as there is the task
        send_tasks.set_roles(conn, task_id=row.id, roles=columns.roles)
        return Applied.CHANGED
    mail = check_changeable(conn, current, task)
    stands = current.error is not None and current.paused_at is None and mail.waiting > 0
    if not may_start and change.starts_mail(stands=stands):
        raise StartNotAllowed(task.name)
    if change.of_when:
        _refuse_past(task, change.before, now, where)
        _refuse_without_start(task, now, where)
    if change.of_content:
        editions.begin_edition(conn, row.id, by=by)
    send_tasks.update(conn, columns, task_id=row.id)
    chunks.move_cached(conn, task_id=row.id, sender_domain=task.sender_domain, sooner=may_start)
    if change.of_content and may_start:
        chunks.hurry_refused(conn, task_id=row.id)
    return Applied.CHANGED


def check_changeable(conn: Connection, current: StoredTask, becomes: SendTask | None = None) -> MailOfTask:
    """Raise Conflict when the definition in a row can change no more, or not into `becomes`.

    A task with one start has had it once its occurrence has begun, and its recipients once they are read; the
    content of its mail can change until all has left. Returns the progress of its mail.
    """
    name = current.name
    if current.cancelled_at is not None:
        raise Conflict("task_name_cancelled", name=name)
    mail = editions.mail_of_task(conn, current.id)
    once = {current.type, becomes.type if becomes else None} & {TaskType.IMMEDIATE, TaskType.SCHEDULED}
    if not (mail.begun and once):
        return mail
    if mail.frozen and not mail.left:
        raise Conflict("task_mail_has_left", name=name)
    if current.group is None:
        raise Conflict("task_group_deleted", name=name)
    change = becomes and TaskChange(before=current.definition, after=becomes)
    if change and ("type" in change.fields or "schedule" in change.fields):
        raise Conflict("task_start_has_begun", name=name)
    if change and mail.frozen and "group" in change.fields:
        raise Conflict("task_audience_frozen", name=name)
    return mail


def _refuse_past(task: SendTask, before: SendTask | None, now: datetime, where: str) -> None:
    """The start in the zone that the person wrote it in. A start that is stored already may have passed."""
    schedule, was = task.schedule, before.schedule if before else None
    for field in ("start_at", "until"):
        moment = getattr(schedule, field)
        if moment is None or (was is not None and moment == getattr(was, field)):
            continue
        if moment < now:
            shown = to_wall_clock(moment, zone(schedule.time_zone))
            value = f"{shown:%Y-%m-%d %H:%M} {schedule.time_zone}"
            raise InvalidInput("time_has_passed", value=value, where=where, field=field)


def _refuse_without_start(task: SendTask, now: datetime, where: str) -> None:
    """Raise InvalidInput for a recurring task that never starts: its cron expression has no slot before its end."""
    schedule = task.schedule
    begin = schedule.start_at or now
    ahead = replace(schedule, start_at=begin).next_after(max(begin, now) - timedelta(microseconds=1))
    if schedule.type is TaskType.RECURRING and ahead is None:
        field = "until" if schedule.until is not None else "cron"
        raise InvalidInput("no_start_left", where=where, field=field)


def _columns(task: SendTask, group_id: int) -> TaskColumns:
    schedule = task.schedule
    return TaskColumns(
        name=task.name,
        type=task.type.value,
        template=task.template,
        subject=task.subject,
        sender=task.sender,
        sender_domain=task.sender_domain,
        group_id=group_id,
        start_at=schedule.start_at,
        time_zone=schedule.time_zone,
        every=str(schedule.every) if schedule.every else None,
        cron=schedule.cron,
        until=schedule.until,
        reply_to=task.reply_to,
        unsubscribe_url=task.unsubscribe_url,
        unsubscribe=task.unsubscribe.value,
        advertisement=task.advertisement.value,
        track_opens=task.track_opens,
        track_clicks=task.track_clicks,
        start_grace=task.start_grace,
        on_unknown=task.on_unknown.value,
        roles=list(task.roles),
    )
