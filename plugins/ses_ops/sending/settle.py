"""The end of a run: releases chunks, finishes occurrences, names the next run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_ops.domain.occurrence import Run, resume_run_id
from ses_ops.sending.release import release_abandoned
from ses_ops.storage.connection import transaction
from ses_ops.storage.ledger import chunks, occurrences
from ses_ops.storage.tasks import send_tasks
from ses_ops.storage.tasks.overview import list_tasks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.tasks.stored_task import LockedTask


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """The state of the task after a run. Counts are messages, over all its occurrences."""

    sent: int
    cached: int
    failed: int
    unknown: int
    #: The domain that the task sends from.
    sender_domain: str
    #: When cached mail is resumed, and the id of that run; None when no mail is cached.
    resume_at: datetime | None = None
    resume_run_id: str | None = None
    #: Why mail is cached.
    reason: str | None = None
    #: The error that a person has to mend first.
    error: str | None = None


def settle(conn: Connection, run: Run) -> Settlement:
    """Settle a run; may be repeated, and run beside another run of the same task.

    Raises Conflict while a process still sends a chunk of this run; the run can be settled after that.
    """
    with transaction(conn):
        task = send_tasks.lock_row(conn, run.task_name)
        held = chunks.reserved_of_run(conn, run_id=run.run_id, task_id=task.id)
    for chunk in held:
        release_abandoned(conn, chunk.id, run_id=run.run_id, reason=chunk.reason)
    with transaction(conn):
        task = send_tasks.lock_row(conn, run.task_name)
        finish_what_is_over(conn, task)
        return _settlement(conn, task)


def finish_what_is_over(conn: Connection, task: LockedTask) -> None:
    """Finish the task's occurrences without pending messages, and with its only occurrence the task.

    The caller holds the transaction and the task's row.
    """
    occurrences.finish(conn, task_id=task.id)
    send_tasks.finish(conn, task_id=task.id)


def _settlement(conn: Connection, task: LockedTask) -> Settlement:
    overview = next(iter(list_tasks(conn, name=task.name)), None)
    cached = chunks.cached_summary(conn, task_id=task.id)
    counts: dict[str, Any] = {
        "sent": overview.sent_count if overview else 0,
        "failed": overview.failed_count if overview else 0,
        "unknown": overview.unknown_count if overview else 0,
        "cached": cached.pending,
        "sender_domain": task.sender_domain,
    }
    error = send_tasks.find_row(conn, task.name).error
    due_at = cached.due_at
    if due_at is None or task.cancelled_at is not None or error is not None:
        return Settlement(**counts, error=error)
    return Settlement(**counts, resume_at=due_at, resume_run_id=resume_run_id(due_at), reason=cached.reason, error=None)
