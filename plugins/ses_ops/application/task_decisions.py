"""What a person decides about a task: go on, stop, try again, settle a doubt. Each is one transaction, no Airflow."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ses_ops.domain.message_state import ChunkState, MessageState
from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.task_status import TaskStatus
from ses_ops.errors import Conflict, NotFound
from ses_ops.storage.connection import transaction
from ses_ops.storage.ledger.retries import failed_by_code
from ses_ops.storage.named_sql import execute, fetch_all, fetch_one
from ses_ops.storage.quota.sender_domains import database_now
from ses_ops.storage.tasks import send_tasks
from ses_ops.storage.tasks.overview import TaskOverview, list_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.ledger.retries import FailedByCode
    from ses_ops.storage.tasks.overview import TaskOverview


class Doubt(StrEnum):
    """What to do with messages whose fate a crash left open."""

    #: A few may get the mail twice.
    RESEND = "resend"
    #: A few may not get it at all.
    ASSUME_SENT = "assume-sent"


def retry_failed(conn: Connection, name: str, *, codes: Collection[int] | None = None) -> int:
    """Send a task's failed messages again, those with some codes (`storage.retries.NO_CODE`: without one) or all.

    Those to addresses that are on the suppression list stay failed. Returns the number of those that are tried.
    Raises NotFound, and Conflict for a cancelled task or while one of the chunks concerned is being sent.
    """
    with transaction(conn):
        return _requeue(conn, _going(conn, name), MessageState.FAILED, "a person asked for another try", codes=codes)


def what_failed(conn: Connection, name: str) -> list[FailedByCode]:
    """What `retry_failed` would do: how many of which code. Raises NotFound, and Conflict for a cancelled task."""
    task = send_tasks.find_row(conn, name)
    _refuse_cancelled(task)
    return failed_by_code(conn, task["id"])


def resolve_unknown(conn: Connection, name: str, doubt: Doubt) -> int:
    """Decide about a task's unknown messages; returns their number. Raises as `retry_failed` does."""
    with transaction(conn):
        if doubt is Doubt.RESEND:
            return _requeue(conn, _going(conn, name), MessageState.UNKNOWN, "a person asked to send it again")
        task = send_tasks.lock_row(conn, name)
        return sum(
            row["count"]
            for chunk in _chunks_with(conn, task, MessageState.UNKNOWN)
            for row in fetch_all(conn, "chunks", "assume_sent", chunk_id=chunk["id"])
        )


def resume(
    conn: Connection,
    name: str,
    *,
    allow: Callable[[RunKind], None] = lambda _: None,
    quota_left: bool = False,
) -> RunKind | None:
    """End a person's pause and clear an error; what the mail server put off is tried now. None: no run has work to do.

    Mail that waits for quota keeps its time, unless `quota_left`: the sender domain's day has room now. Nothing is put
    back by it. Else the kind of run that has: a RESUME sends what is cached and can start nothing new; an occurrence
    that missed its start, or that an error kept from starting, stays as it is until a run of kind TRIGGERED takes it.
    `allow` is told of such a run first, and of one that Airflow will make for a start that came during the pause
    (SCHEDULED); when it raises, everything stays as it was. Raises Conflict for a task that has ended.
    """
    with transaction(conn):
        task = _going(conn, name)
        _refuse_ended(conn, name)
        had_error = send_tasks.find_row(conn, name)["error"] is not None
        send_tasks.resume(conn, name)
        send_tasks.set_error(conn, name, None)
        execute(conn, "chunks", "release_cached_now", task_id=task["id"], quota_left=quota_left)
        overview = _overview(conn, name)
        held = overview.error is not None  # the task's own error was cleared above
        once = task["type"] in (TaskType.IMMEDIATE, TaskType.SCHEDULED)
        kind = None
        if held or (once and had_error and not _begun(conn, task)):
            kind = RunKind.TRIGGERED
        elif (waiting := fetch_one(conn, "chunks", "cached_summary", task_id=task["id"])) and waiting["pending"]:
            kind = RunKind.RESUME
        if kind is not None or _overdue(conn, overview):
            allow(kind or RunKind.SCHEDULED)
        return kind


def starts_mail(conn: Connection, name: str) -> bool:
    """Whether mail of a task would leave if its pause ended now: what waits, or a start that has come meanwhile."""
    with transaction(conn):
        overview = next(iter(list_tasks(conn, name=name)), None)
        return overview is not None and (overview.unsent_count > 0 or _overdue(conn, overview))


def _overdue(conn: Connection, overview: TaskOverview) -> bool:
    """A start has come that Airflow makes a run for as soon as it may."""
    return overview.next_slot is not None and overview.next_slot <= database_now(conn)


def pause(conn: Connection, name: str, *, reason: str) -> bool:
    """Stop a task's mail until it is resumed; False when it was paused already.

    Raises NotFound, and Conflict for a task that has ended: it keeps its status.
    """
    with transaction(conn):
        _going(conn, name)
        _refuse_ended(conn, name)
        return send_tasks.pause(conn, name, reason=reason)


def cancel(conn: Connection, name: str, *, by: str | None = None) -> bool:
    """Stop a task for good; False when it was cancelled already. What has not left is *cancelled*, never sent.

    `by` is who does it. Raises NotFound, and Conflict for a task that has ended: it keeps its status.
    """
    with transaction(conn):
        task = send_tasks.lock_row(conn, name)
        if task["cancelled_at"] is None and task["type"] != TaskType.TEST:
            _refuse_ended(conn, name)
        when = f"{database_now(conn):%Y-%m-%d %H:%M} UTC"
        return send_tasks.cancel(conn, name, reason=f"cancelled by {by} at {when}" if by else f"cancelled at {when}")


def delete(conn: Connection, name: str, *, by: str | None = None) -> None:
    """Take a task away; its ledger stays. Raises Conflict while mail of it is on its way or waits to be sent."""
    with transaction(conn):
        task = send_tasks.lock_row(conn, name)
        overview = next(iter(list_tasks(conn, name=name)), None)
        if overview is not None and task["cancelled_at"] is None:
            unsent = overview.unsent_count
            if unsent:
                raise Conflict(
                    f"send task {name!r} has {unsent:,} messages not sent yet; `ses task cancel {name}` first"
                )
        if _being_sent(conn, task["id"]):
            raise Conflict(f"send task {name!r} is being sent; try again when it has stopped")
        when = f"{database_now(conn):%Y-%m-%d %H:%M} UTC"
        send_tasks.delete(conn, name, reason=f"deleted by {by} at {when}" if by else f"deleted at {when}")


def _going(conn: Connection, name: str) -> dict[str, Any]:
    """A task's row, locked; raises NotFound, and Conflict when it is cancelled."""
    task = send_tasks.lock_row(conn, name)
    _refuse_cancelled(task)
    return task


def _overview(conn: Connection, name: str) -> TaskOverview:
    """Where a task stands that is no test send; raises NotFound."""
    found = next(iter(list_tasks(conn, name=name)), None)
    if found is None:
        raise NotFound("send task", name, hint="`ses task list` shows them all")
    return found


def _refuse_ended(conn: Connection, name: str) -> None:
    """What has ended keeps its status."""
    if _overview(conn, name).status is TaskStatus.FINISHED:
        raise Conflict(f"send task {name!r} has finished: nothing of it is left to be stopped or to go on")


def _refuse_cancelled(task: dict[str, Any]) -> None:
    if task["cancelled_at"] is not None:
        raise Conflict(f"send task {task['name']!r} is cancelled; apply it under another name to send it after all")


def _chunks_with(conn: Connection, task: dict[str, Any], state: MessageState) -> list[dict[str, Any]]:
    """The chunks that hold messages in a state, locked; raises Conflict before anything is touched."""
    chunks = fetch_all(conn, "chunks", "lock_with_outcome", task_id=task["id"], state=state.value)
    if any(chunk["state"] == ChunkState.RESERVED for chunk in chunks):
        raise Conflict(f"send task {task['name']!r} is being sent; try again when it is done")
    return chunks


def _requeue(
    conn: Connection,
    task: dict[str, Any],
    state: MessageState,
    reason: str,
    *,
    codes: Collection[int] | None = None,
) -> int:
    count = 0
    facts = {"state": state.value, "reason": reason, "codes": None if codes is None else sorted(codes)}
    for chunk in _chunks_with(conn, task, state):
        row = fetch_one(conn, "chunks", "requeue_failed", chunk_id=chunk["id"], **facts)
        count += row["count"] if row else 0
    if count:
        execute(conn, "chunks", "reopen_occurrences", task_id=task["id"])
        execute(conn, "send_tasks", "reopen_task", task_id=task["id"])
    return count


def _begun(conn: Connection, task: dict[str, Any]) -> bool:
    found = fetch_one(conn, "send_tasks", "occurrence_exists", task_id=task["id"])
    return bool(found and found["exists"])


def _being_sent(conn: Connection, task_id: int) -> bool:
    return fetch_one(conn, "decisions", "being_sent", task_id=task_id) is not None
