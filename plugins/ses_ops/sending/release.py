"""The release of a chunk: unused quota goes back to its day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ses_ops.errors import Conflict, Explanation
from ses_ops.sending.chunk.claim import settle_doubt
from ses_ops.sending.chunk.journal import remove_journal
from ses_ops.storage.connection import database_now, transaction
from ses_ops.storage.ledger import chunk_locks, chunks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.ledger.chunks import LockedChunk

#: The first and the longest delay after a run that ended for another reason than the quota (server down, deferrals);
#: each delay is twice the delay before.
FIRST_RETRY_AFTER = timedelta(minutes=1)
LONGEST_RETRY_AFTER = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """The reason why a reservation ends while messages are pending."""

    reason: str
    #: Whether the messages are retried after a growing delay; else they are due at once.
    backoff: bool
    #: When the messages are due; None: as `backoff` says.
    due_at: datetime | None = None


def release_chunk(conn: Connection, chunk_id: int, *, run_id: str, now: datetime, ending: Ending) -> bool:
    """Settle a chunk without pending messages, or cache its pending ones. False when this run does not hold the chunk.

    The caller holds the transaction. Locks the quota day before the chunk, as reserving does.
    """
    chunk = chunks.lock_reserved(conn, chunk_id=chunk_id)
    if chunk is None or chunk.run_id != run_id:
        return False
    chunks.release(
        conn, chunk, due_at=ending.due_at or now + _wait(chunk, ending), reason=ending.reason, setback=ending.backoff
    )
    return True


def release_abandoned(conn: Connection, chunk_id: int, *, run_id: str, reason: str | None) -> None:
    """Release a chunk that no process sends any more, in a transaction of its own. Raises Conflict while one does."""
    ending = Ending(reason=reason or Explanation("run_ended_before_sending").sentence, backoff=reason is not None)
    _release(conn, chunk_id, run_id=run_id, ending=ending)


def release_at(conn: Connection, chunk_id: int, *, run_id: str, reason: str, due_at: datetime) -> None:
    """Release a chunk until a moment, for a reason that is no setback. Raises as `release_abandoned`."""
    _release(conn, chunk_id, run_id=run_id, ending=Ending(reason=reason, backoff=False, due_at=due_at))


def _release(conn: Connection, chunk_id: int, *, run_id: str, ending: Ending) -> None:
    if not chunk_locks.try_lock(conn, chunk_id=chunk_id):
        conn.rollback()
        raise Conflict("chunk_still_being_sent", chunk=chunk_id)
    try:
        with transaction(conn):
            chunk = chunks.lock_reserved(conn, chunk_id=chunk_id)
            if chunk is None or chunk.run_id != run_id:
                return
            journal = settle_doubt(conn, chunk)
            release_chunk(conn, chunk_id, run_id=run_id, now=database_now(conn), ending=ending)
        remove_journal(journal)
    finally:
        if not conn.closed:
            chunk_locks.unlock(conn, chunk_id=chunk_id)
            conn.commit()


def _wait(chunk: LockedChunk, ending: Ending) -> timedelta:
    if not ending.backoff:
        return timedelta(0)
    return min(FIRST_RETRY_AFTER * 2 ** min(chunk.setbacks, 10), LONGEST_RETRY_AFTER)
