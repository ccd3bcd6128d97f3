"""End a run: release what it still holds, finish occurrences, and say when the next run has something to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_ops.domain.occurrence import Run, resume_run_id
from ses_ops.errors import Conflict
from ses_ops.sending.chunk.claim import hold_chunk, let_go_of_chunk, settle_doubt
from ses_ops.sending.chunk.journal import remove_journal
from ses_ops.sending.release import Ending, release_chunk
from ses_ops.storage.connection import transaction
from ses_ops.storage.named_sql import execute, fetch_all, fetch_one
from ses_ops.storage.quota.sender_domains import database_now
from ses_ops.storage.tasks import send_tasks
from ses_ops.storage.tasks.overview import list_tasks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """Where the task stands. Counts are messages, over all its occurrences."""

    sent: int
    cached: int
    failed: int
    unknown: int
    #: When cached mail goes on, and the id of the run that does it; None when nothing is cached.
    resume_at: datetime | None = None
    resume_run_id: str | None = None
    #: Why the mail waits.
    reason: str | None = None
    #: What a person has to mend first.
    error: str | None = None


def settle(conn: Connection, run: Run) -> Settlement:
    """Settle a run; may be repeated, and run beside another run of the same task.

    Raises Conflict while a process still sends a chunk of this run (it will be settled when that is done).
    """
    with transaction(conn):
        task = send_tasks.lock_row(conn, run.task_name)
        held = fetch_all(conn, "chunks", "reserved_of_run", run_id=run.run_id, task_id=task["id"])
    for chunk in held:
        release_abandoned(conn, chunk["id"], run_id=run.run_id, reason=chunk["reason"])
    with transaction(conn):
        task = send_tasks.lock_row(conn, run.task_name)
        finish_what_is_over(conn, task)
        return _settlement(conn, task)


def finish_what_is_over(conn: Connection, task: dict[str, Any]) -> None:
    """Finish the task's occurrences that have nothing left to be sent, and with its only one the task.

    The caller holds the transaction and the task's row.
    """
    execute(conn, "occurrences", "finish_occurrences", task_id=task["id"])
    execute(conn, "send_tasks", "finish_task", task_id=task["id"])


def release_abandoned(conn: Connection, chunk_id: int, *, run_id: str, reason: str | None) -> None:
    """Release a chunk that nobody sends any more, in a transaction of its own; Conflict while somebody does."""
    if not hold_chunk(conn, chunk_id):
        conn.rollback()
        raise Conflict(f"chunk {chunk_id} is still being sent")
    journal = None
    try:
        with transaction(conn):
            day = fetch_one(conn, "chunks", "chunk_day", id=chunk_id)
            if day is None or day["state"] != "reserved" or day["run_id"] != run_id:
                return
            execute(conn, "chunks", "lock_day_of_chunk", id=day["quota_day_id"])
            chunk = fetch_one(conn, "chunks", "lock_chunk", id=chunk_id)
            assert chunk is not None
            if chunk["state"] == "reserved":
                journal = settle_doubt(conn, chunk)
            ending = Ending(reason=reason or "its run ended before it was sent", backoff=reason is not None)
            release_chunk(conn, chunk_id, run_id=run_id, now=database_now(conn), ending=ending)
        remove_journal(journal)
    finally:
        if not conn.closed:
            let_go_of_chunk(conn, chunk_id)
            conn.commit()


def _settlement(conn: Connection, task: dict[str, Any]) -> Settlement:
    overview = next(iter(list_tasks(conn, name=task["name"])), None)
    cached = fetch_one(conn, "chunks", "cached_summary", task_id=task["id"]) or {}
    counts: dict[str, Any] = {
        "sent": overview.sent_count if overview else 0,
        "failed": overview.failed_count if overview else 0,
        "unknown": overview.unknown_count if overview else 0,
        "cached": cached.get("pending") or 0,
    }
    error = send_tasks.find_row(conn, task["name"])["error"]
    due_at = cached.get("due_at")
    if due_at is None or task["cancelled_at"] is not None or error is not None:
        return Settlement(**counts, error=error)
    return Settlement(
        **counts, resume_at=due_at, resume_run_id=resume_run_id(due_at), reason=cached.get("reason"), error=None
    )
