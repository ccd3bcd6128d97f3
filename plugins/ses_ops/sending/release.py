"""End the reservation of a chunk: what was used stays used, the rest of the quota goes back to its day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ses_ops.storage.named_sql import execute, fetch_one

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

#: Waits after a try that failed for another reason than the quota (server down, temporary refusals): doubled each time.
FIRST_RETRY_AFTER = timedelta(minutes=1)
LONGEST_RETRY_AFTER = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """Why a reservation ends with messages still pending."""

    reason: str
    #: Wait before the next try, growing each time; else they are due at once.
    backoff: bool


def release_chunk(conn: Connection, chunk_id: int, *, run_id: str, now: datetime, ending: Ending) -> bool:
    """Settle a chunk that has nothing pending, cache the rest of another. False when this run holds it no more.

    The caller holds the transaction. Locks the quota day before the chunk, as reserving does.
    """
    chunk = fetch_one(conn, "chunks", "chunk_day", id=chunk_id)
    if chunk is None or chunk["state"] != "reserved":
        return False
    execute(conn, "chunks", "lock_day_of_chunk", id=chunk["quota_day_id"])
    chunk = fetch_one(conn, "chunks", "lock_chunk", id=chunk_id)
    if chunk is None or chunk["state"] != "reserved" or chunk["run_id"] != run_id:
        return False
    used = chunk["sent"] + chunk["unknown"] - chunk["used_before"]
    execute(conn, "chunks", "give_back_quota", id=chunk["quota_day_id"], reserved=chunk["reserved"], used=max(0, used))
    execute(
        conn,
        "chunks",
        "release_chunk",
        id=chunk_id,
        due_at=now + _wait(chunk, ending),
        reason=ending.reason,
        setback=ending.backoff,
    )
    return True


def _wait(chunk: dict[str, Any], ending: Ending) -> timedelta:
    if not ending.backoff:
        return timedelta(0)
    return min(FIRST_RETRY_AFTER * 2 ** min(chunk["setbacks"], 10), LONGEST_RETRY_AFTER)
