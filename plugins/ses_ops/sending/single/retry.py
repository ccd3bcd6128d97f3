"""Another try for deferred single messages: the claim of a chunk that is due, charged to the present day."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from ses_ops.domain.mail_tracking import Tracking
from ses_ops.domain.warmup import resume_again_at
from ses_ops.errors import DatabaseUnavailable, Explanation, SesError
from ses_ops.sending.chunk.claim import claim_chunk
from ses_ops.sending.release import Ending
from ses_ops.sending.reserve import lock_quota_day
from ses_ops.sending.single.closing import release_dead
from ses_ops.sending.waiting_mail import why_it_waits
from ses_ops.storage.connection import StatementFailed, one_line, transaction
from ses_ops.storage.ledger import chunk_locks, chunks
from ses_ops.storage.single_messages import open_chunks, retries

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.warmup import QuotaPlans
    from ses_ops.sending.chunk.claim import Attempt
    from ses_ops.storage.single_messages.processes import ProcessRow
    from ses_ops.storage.single_messages.retries import DueChunk

_log = logging.getLogger(__name__)

#: Largest number of chunks that are claimed at a time.
CHUNKS_AT_ONCE = 4
#: Seconds for which a chunk is left alone that could not be claimed: a person has to mend the reason.
LEFT_FOR = 60.0


class DueChunks:
    """The chunks that are due, as one process claims them. Used by one thread at a time."""

    def __init__(self) -> None:
        #: Claims of which nobody knows whether they happened.
        self._begun: set[int] = set()
        #: Chunks that could not be claimed, and the moment of `time.monotonic` until which they are left alone.
        self._left_until: dict[int, float] = {}

    def claim(
        self, conn: Connection, process: ProcessRow, plans: QuotaPlans, *, most: int = CHUNKS_AT_ONCE
    ) -> list[tuple[Attempt, float]]:
        """Claim chunks whose time has come, charged to the present day; with the seconds that are left of it.

        What the day has no place for waits for another one. A domain without a usable plan keeps its mail waiting.
        Raises DatabaseUnavailable.
        """
        self._release_doubtful(conn, process)
        now = time.monotonic()
        self._left_until = {id: until for id, until in self._left_until.items() if until > now}
        with transaction(conn):
            found = retries.due(conn, limit=2 * most, besides=list(self._left_until))
        claimed: list[tuple[Attempt, float]] = []
        for due in found:
            self._begun.add(due.id)
            try:
                attempt = _claim(conn, process, plans, due)
                if attempt is not None:
                    with transaction(conn):
                        claimed.append((attempt, open_chunks.seconds_left(conn, attempt.quota_day_id)))
            except DatabaseUnavailable:
                if claimed:
                    break  # what is claimed is sent; the next look says that there is no database
                raise
            except (SesError, StatementFailed) as problem:
                # What was committed of it by then is released at the next look.
                self._left_until[due.id] = now + LEFT_FOR
                said = one_line(problem)
                _log.warning("chunk %s of %s is not tried again yet: %s", due.id, due.sender_domain, said)
                continue
            self._begun.discard(due.id)
            if len(claimed) == most:
                break
        return claimed

    def _release_doubtful(self, conn: Connection, process: ProcessRow) -> None:
        for chunk_id in list(self._begun):
            ending = Ending(reason=Explanation("messages_left").sentence, backoff=False)
            try:
                release_dead(conn, chunk_id, run_id=process.run_id, ending=ending)
                with transaction(conn):  # a claim that failed may have left it
                    chunk_locks.unlock(conn, chunk_id=chunk_id)
            except StatementFailed:  # this chunk must not delay the others
                _log.exception("chunk %s of single messages cannot be released yet", chunk_id)
                continue
            self._begun.discard(chunk_id)


def _claim(conn: Connection, process: ProcessRow, plans: QuotaPlans, due: DueChunk) -> Attempt | None:
    plan = plans[due.sender_domain]
    with transaction(conn):
        locked = lock_quota_day(conn, plan)
        chunk = retries.lock_due(conn, chunk_id=due.id)
        if chunk is None:
            return None
        room = min(chunk.pending, locked.left)
        rest = chunks.cut(conn, chunk, pending=room) if 0 < room < chunk.pending else None
        waits = rest.id if rest is not None else due.id if not room else None
        if waits is not None:
            chunks.cache(
                conn,
                chunk_id=waits,
                now=locked.now,
                due_at=resume_again_at(plan, chunk.cached_at or locked.now, locked.day),
                reason=why_it_waits(plan, locked.day, locked.allowance).sentence,
            )
        if not room:
            return None
        chunks.reserve(
            conn, chunk_id=due.id, run_id=process.run_id, quota_day_id=locked.id, sender_domain=due.sender_domain
        )
        open_chunks.take_single(conn, quota_day_id=locked.id, count=room)
    return claim_chunk(conn, due.id, process.run_id, tracked=Tracking(due.opens, due.clicks))
