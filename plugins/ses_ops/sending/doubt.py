"""The doubt after a restore: what may have left since the backup becomes unknown, and waits for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

from ses_ops.domain.message_state import ChunkState
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.single_message import read_stored
from ses_ops.errors import Explanation, InvalidInput, QuotaError
from ses_ops.sending.chunk.ending import count_attempt, end_attempt
from ses_ops.sending.reserve import lock_quota_day
from ses_ops.storage.connection import database_now
from ses_ops.storage.ledger import chunks
from ses_ops.storage.restore import doubts
from ses_ops.storage.single_messages import open_chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.warmup import QuotaPlans
    from ses_ops.storage.restore.doubts import DoubtfulChunk, DoubtfulScheduledMessage

#: Number of messages that one statement makes unknown: some tenths of a second of work.
AT_ONCE = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoreGap:
    """The time in which the system of the backup may have sent what the restored ledger does not know."""

    restore_id: int
    taken_at: datetime
    until: datetime

    @property
    def run_id(self) -> str:
        """The name by which the doubts of this restore have attempts, in the place of a DAG run's."""
        return f"restore:{self.restore_id}"

    @property
    def reason(self) -> str:
        """Why a message is unknown."""
        taken, until = f"{self.taken_at:%Y-%m-%d %H:%M} UTC", f"{self.until:%Y-%m-%d %H:%M} UTC"
        return str(Explanation("may_have_been_sent_since_backup", taken=taken, until=until))


def doubt_chunk(conn: Connection, chunk: DoubtfulChunk, gap: RestoreGap, progress: Callable[[int], None]) -> int:
    """Make the pending messages of a chunk unknown and settle it; returns their number. `progress` hears of each part.

    What a journal of this machine says of it is not believed: other attempts may have followed. The caller holds the
    transaction.
    """
    is_reserved = chunk.state is ChunkState.RESERVED
    if is_reserved:
        chunks.lock_reserved(conn, chunk_id=chunk.id)
    if chunk.attempt_id is not None:
        end_attempt(conn, attempt_id=chunk.attempt_id, ending="died")
    attempt_id = doubts.begin_attempt(conn, chunk_id=chunk.id, run_id=gap.run_id, at=gap.until)
    found = 0
    for first in range(chunk.first_seq, chunk.last_seq + 1, AT_ONCE) if chunk.pending else ():
        last = min(first + AT_ONCE - 1, chunk.last_seq)
        span = {"occurrence_id": chunk.occurrence_id, "first_seq": first, "last_seq": last}
        now = doubts.doubt(conn, **span, attempt_id=attempt_id, reason=gap.reason)
        found += now
        progress(now)
    doubts.count(conn, chunk_id=chunk.id, messages=found)
    if is_reserved:
        _release(conn, chunk)
    else:
        doubts.settle(conn, chunk_id=chunk.id)
    count_attempt(conn, attempt_id)
    return found


def _release(conn: Connection, chunk: DoubtfulChunk) -> None:
    """Give back the places of a chunk that was held: what is unknown has used its place."""
    held = chunks.lock(conn, chunk_id=chunk.id)
    assert held is not None
    if chunk.kind == TaskType.API and held.quota_day_id is not None:
        unused = max(0, held.reserved - max(0, held.used))
        open_chunks.give_back_single(conn, quota_day_id=held.quota_day_id, count=unused)
    chunks.release(conn, held, due_at=database_now(conn), reason="", setback=False)


def doubt_scheduled(conn: Connection, gap: RestoreGap) -> int:
    """Make the single messages unknown whose own time came in the gap; returns the number of their recipients.

    They had no rows of the ledger: now they have, so that they are found and settled as all others.
    """
    found = 0
    for domain, its in groupby(doubts.scheduled(conn, until=gap.until), key=lambda one: one.sender_domain):
        found += _give_rows(conn, domain, list(its), gap)
    return found


def _give_rows(conn: Connection, domain: str, messages: Sequence[DoubtfulScheduledMessage], gap: RestoreGap) -> int:
    recipients: list[tuple[str, str]] = []
    first_rows = []
    for one in messages:
        first_rows.append((one.id, len(recipients) + 1))
        recipients += _recipients(one)
    task_id = open_chunks.ensure_task(conn, domain)
    made = doubts.make_chunk(conn, task_id=task_id, domain=domain, run_id=gap.run_id, messages=len(recipients))
    attempt_id = doubts.begin_attempt(conn, chunk_id=made.id, run_id=gap.run_id, at=gap.until)
    doubts.insert_messages(
        conn, occurrence_id=made.occurrence_id, attempt_id=attempt_id, reason=gap.reason, recipients=recipients
    )
    doubts.give_rows(conn, occurrence_id=made.occurrence_id, first_rows=first_rows)
    count_attempt(conn, attempt_id)
    return len(recipients)


def _recipients(message: DoubtfulScheduledMessage) -> list[tuple[str, str]]:
    """Address and key of each recipient; the keys alone where the message is not kept any more."""
    try:
        stored = read_stored(message.content or b"")
    except ValueError:
        return [(key, key) for key in message.address_keys]
    return [(address.address, address.key) for _, address in stored.recipients]


def charge_doubts(
    conn: Connection,
    plans: QuotaPlans,
    doubtful: Sequence[DoubtfulChunk],
    scheduled: Mapping[str, int],
    until: datetime,
) -> dict[str, int]:
    """Count doubts as used by the present quota days, as far as those have room; returns the numbers by sender domain.

    Nobody knows on which day of the gap they left, if they did. Past days no longer matter, and this day must not be
    overdrawn. Before any chunk is locked. A domain without a usable plan sends nothing today.
    """
    charged = {}
    for domain in sorted({*scheduled, *(chunk.sender_domain for chunk in doubtful)}):
        try:
            locked = lock_quota_day(conn, plans[domain])
        except (QuotaError, InvalidInput):
            continue
        if until <= locked.day.starts_at:
            continue
        others = [one for one in doubtful if one.sender_domain == domain and not _counts_by_itself(one, locked.id)]
        count = min(locked.left, sum(one.pending for one in others) + scheduled.get(domain, 0))
        if count:
            doubts.charge_day(conn, quota_day_id=locked.id, messages=count)
            charged[domain] = count
    return charged


def _counts_by_itself(chunk: DoubtfulChunk, quota_day_id: int) -> bool:
    """Whether the places of a chunk are reserved on this day already."""
    return chunk.state is ChunkState.RESERVED and chunk.quota_day_id == quota_day_id
