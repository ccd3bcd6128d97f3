"""Decisions about a task: pause, resume, cancel, delete, retry, resolve.

Each decision is one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ses_ops.application.changed import Changed, Counted, Notice, RunWanted, TaskDeleted, TaskPaused, TaskResumed
from ses_ops.domain.message_state import ChunkState, MessageState
from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.task_status import TaskStatus
from ses_ops.errors import Conflict, Explanation, NotFound, ResumeNotAllowed, SesError
from ses_ops.storage.connection import StatementFailed, database_now, transaction
from ses_ops.storage.ledger import chunks, occurrences, send_counts
from ses_ops.storage.ledger.failures import failed_by_code
from ses_ops.storage.tasks import send_tasks
from ses_ops.storage.tasks.overview import TaskOverview, list_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.storage.ledger.chunks import ChunkWithOutcome
    from ses_ops.storage.ledger.failures import FailedByCode
    from ses_ops.storage.tasks.overview import TaskOverview
    from ses_ops.storage.tasks.stored_task import LockedTask, StoredTask


class UnknownDecision(StrEnum):
    """The decision about messages that are unknown after a crash: sent or not."""

    #: Send the messages again: a few recipients may get the mail twice.
    RESEND = "resend"
    #: Count the messages as sent: a few recipients may not get the mail at all.
    ASSUME_SENT = "assume-sent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Resumed(Changed):
    """The result of a resume. `changed` is False when nobody had paused the task: it waits for quota."""

    #: Kind of the run that has work to do; None without work.
    kind: RunKind | None = None
    #: The task, if it waits only for quota: it continues by itself at its `next_run_at`.
    waits: TaskOverview | None = None

    @property
    def goes_on_at(self) -> datetime | None:
        """Time at which a task that waits for quota continues by itself; None for a task that continues now."""
        return self.waits.next_run_at if self.waits else None


def retry_failed(conn: Connection, actor: Actor, name: str, *, codes: Collection[int] | None = None) -> Counted:
    """Retry a task's failed messages: all, or those with some codes (`failures.NO_CODE`: without one).

    Messages to suppressed addresses stay failed; the result counts the messages that are retried.
        Raises NotFound, and Conflict for a cancelled task or while one of the chunks concerned is being sent.
    """
    wanted = {"codes": sorted(codes)} if codes else {}
    with actor.recorded("retry_failed", task=name, **wanted) as facts, transaction(conn):
        task = _going(conn, name)
        count = _requeue(conn, task, MessageState.FAILED, Explanation("retry_asked_for").sentence, codes=codes)
        facts["count"] = count
    return _requeued(name, count)


def what_failed(conn: Connection, name: str) -> list[FailedByCode]:
    """The counts of `retry_failed` by code, without a retry. Raises NotFound, and Conflict for a cancelled task."""
    task = send_tasks.find_row(conn, name)
    _refuse_cancelled(task)
    return failed_by_code(conn, task.id)


def resolve_unknown(conn: Connection, actor: Actor, name: str, doubt: UnknownDecision) -> Counted:
    """Resolve a task's unknown messages; the result counts them. Raises as `retry_failed` does."""
    with actor.recorded("resolve_unknown", task=name, choice=doubt.value) as facts, transaction(conn):
        if doubt is UnknownDecision.RESEND:
            task = _going(conn, name, with_api=True)
            count = _requeue(conn, task, MessageState.UNKNOWN, Explanation("resend_asked_for").sentence)
        else:
            task = send_tasks.lock_row(conn, name, with_api=True)
            found = _chunks_with(conn, task, MessageState.UNKNOWN)
            count = sum(_assume_sent(conn, chunk.id) for chunk in found)
        facts["count"] = count
    if doubt is UnknownDecision.RESEND and task.type != TaskType.API:  # single messages have no DAG
        return _requeued(name, count)
    return Counted(changed=count > 0, count=count)


def _assume_sent(conn: Connection, chunk_id: int) -> int:
    doubtful = send_counts.in_doubt(conn, chunk_id)
    count = chunks.assume_sent(conn, chunk_id=chunk_id)
    send_counts.assume_sent(conn, doubtful)
    return count


def _requeued(name: str, count: int) -> Counted:
    return Counted(changed=count > 0, count=count, scheduler=(RunWanted(task=name),) if count else ())


def resume(
    conn: Connection, actor: Actor, name: str, *, quota_left: Callable[[TaskOverview], bool] = lambda _: False
) -> Resumed:
    """End a person's pause and clear an error; mail that the mail server deferred is retried now.

    Mail that waits for quota keeps its time, unless the sender domain has quota left today (`quota_left`). Raises
    Conflict for a task that has ended, and ResumeNotAllowed when mail would leave that the actor may not start; then
    nothing is changed.
    """
    before = next(iter(list_tasks(conn, name=name)), None)
    left = before is not None and before.cached_count > 0 and quota_left(before)
    if before is not None and before.waits_for_quota and not left:
        return Resumed(changed=False, waits=before)
    with actor.recorded("resume_task", task=name), transaction(conn):
        kind = _resume(conn, actor, name, quota_left=left)
    notices: tuple[Notice, ...] = (TaskResumed(task=name),)
    if kind is not None:
        notices += (RunWanted(task=name, kind=kind),)
    return Resumed(scheduler=notices, kind=kind, waits=_waits_for_quota(conn, name))


def _resume(conn: Connection, actor: Actor, name: str, *, quota_left: bool) -> RunKind | None:
    """Resume a locked task; the kind of the run that has work to do, or None.

    A RESUME sends what is cached and can start nothing new; an occurrence that missed its start, or that an error kept
    from starting, stays as it is until a run of kind TRIGGERED takes it. Airflow makes a run by itself for a start that
    came during the pause.
    """
    task = _going(conn, name)
    _refuse_ended(conn, name)
    had_error = send_tasks.find_row(conn, name).error is not None
    send_tasks.resume(conn, name)
    send_tasks.set_error(conn, name, None)
    chunks.release_cached_now(conn, task_id=task.id, quota_left=quota_left)
    overview = _overview(conn, name)
    held = overview.error is not None  # the task's own error was cleared above
    once = task.type in (TaskType.IMMEDIATE, TaskType.SCHEDULED)
    kind = None
    if held or (once and had_error and not occurrences.any_of_task(conn, task_id=task.id)):
        kind = RunKind.TRIGGERED
    elif chunks.cached_summary(conn, task_id=task.id).pending:
        kind = RunKind.RESUME
    if (kind is not None or _overdue(conn, overview)) and not actor.may_start(name):
        raise ResumeNotAllowed(name)
    return kind


def _waits_for_quota(conn: Connection, name: str) -> TaskOverview | None:
    """The task that was just resumed, if it waits for quota.

    None too when its row cannot be read: it is resumed then.
    """
    try:
        after = next(iter(list_tasks(conn, name=name)), None)
    except (SesError, StatementFailed):
        return None
    return after if after is not None and after.waits_for_quota else None


def starts_mail(conn: Connection, name: str) -> bool:
    """Whether mail of a task would leave if its pause ended now: pending mail, or that of a start during the pause."""
    with transaction(conn):
        overview = next(iter(list_tasks(conn, name=name)), None)
        return overview is not None and (overview.unsent_count > 0 or _overdue(conn, overview))


def _overdue(conn: Connection, overview: TaskOverview) -> bool:
    """Whether a start has come for which Airflow creates a run as soon as the pause ends."""
    return overview.next_slot is not None and overview.next_slot <= database_now(conn)


def pause(conn: Connection, actor: Actor, name: str, *, reason: str | None = None) -> Changed:
    """Pause a task until it is resumed; no change when it was paused already.

    Raises NotFound, and Conflict for a task that has ended: it keeps its status.
    """
    why = Explanation("paused_by", who=actor.name)
    if reason:
        why = Explanation("paused_by_because", who=actor.name, note=reason)
    with actor.recorded("pause_task", task=name, reason=reason or ""), transaction(conn):
        _going(conn, name)
        _refuse_ended(conn, name)
        changed = send_tasks.pause(conn, name, reason=why.sentence)
    return Changed(changed=changed, scheduler=(TaskPaused(task=name),))


def cancel(conn: Connection, actor: Actor, name: str) -> Changed:
    """Stop a task for good, if it is not cancelled already. What has not left is *cancelled*, never sent.

    Raises NotFound, and Conflict for a task that has ended: it keeps its status.
    """
    with actor.recorded("cancel_task", task=name), transaction(conn):
        task = send_tasks.lock_row(conn, name)
        if task.cancelled_at is None and task.type != TaskType.TEST:
            _refuse_ended(conn, name)
        why = Explanation("cancelled_by", who=actor.name, when=f"{database_now(conn):%Y-%m-%d %H:%M}")
        return Changed(changed=send_tasks.cancel(conn, name, reason=why.sentence))


def delete(conn: Connection, actor: Actor, name: str) -> Changed:
    """Delete a task; its ledger stays. Raises Conflict while its mail is being sent or pending."""
    with actor.recorded("delete_task", task=name), transaction(conn):
        task = send_tasks.lock_row(conn, name)
        overview = next(iter(list_tasks(conn, name=name)), None)
        if overview is not None and task.cancelled_at is None:
            unsent = overview.unsent_count
            if unsent:
                raise Conflict("task_has_unsent_messages", name=name, count=unsent)
        if chunks.being_sent(conn, task_id=task.id):
            raise Conflict("task_still_being_sent", name=name)
        why = Explanation("deleted_by", who=actor.name, when=f"{database_now(conn):%Y-%m-%d %H:%M}")
        send_tasks.delete(conn, name, reason=why.sentence)
    return Changed(scheduler=(TaskDeleted(task=name),))


def _going(conn: Connection, name: str, *, with_api: bool = False) -> LockedTask:
    """A task's row, locked; raises NotFound, and Conflict when it is cancelled."""
    task = send_tasks.lock_row(conn, name, with_api=with_api)
    _refuse_cancelled(task)
    return task


def _overview(conn: Connection, name: str) -> TaskOverview:
    """The progress of a task that is no test send. Raises NotFound."""
    found = next(iter(list_tasks(conn, name=name)), None)
    if found is None:
        raise NotFound("send task", name)
    return found


def _refuse_ended(conn: Connection, name: str) -> None:
    """Raise Conflict for a task that has ended: it keeps its status."""
    if _overview(conn, name).status is TaskStatus.FINISHED:
        raise Conflict("task_finished", name=name)


def _refuse_cancelled(task: LockedTask | StoredTask) -> None:
    if task.cancelled_at is not None:
        raise Conflict("task_cancelled", name=task.name)


def _chunks_with(conn: Connection, task: LockedTask, state: MessageState) -> list[ChunkWithOutcome]:
    """The chunks that hold messages in a state, locked; raises Conflict before anything is touched."""
    found = chunks.lock_with_outcome(conn, task_id=task.id, state=state)
    if any(chunk.state is ChunkState.RESERVED for chunk in found):
        raise Conflict("task_being_sent", name=task.name)
    return found


def _requeue(
    conn: Connection,
    task: LockedTask,
    state: MessageState,
    reason: str,
    *,
    codes: Collection[int] | None = None,
) -> int:
    count = 0
    for chunk in _chunks_with(conn, task, state):
        doubtful = send_counts.in_doubt(conn, chunk.id) if state is MessageState.UNKNOWN else []
        count += chunks.requeue(conn, chunk_id=chunk.id, state=state, reason=reason, codes=codes)
        send_counts.send_again(conn, doubtful)
    if count and task.type is not TaskType.API:  # an occurrence of single messages stays over
        occurrences.reopen(conn, task_id=task.id)
        send_tasks.reopen(conn, task_id=task.id)
    return count
