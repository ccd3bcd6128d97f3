"""The claim of a process to a chunk, its fence, and messages left in doubt.

Messages are in doubt that a dead attempt had marked and not reported.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.domain.mail_tracking import UNTRACKED, Tracking
from ses_ops.domain.message_state import ChunkState, MessageState, OnUnknown
from ses_ops.errors import AttemptSuperseded, Conflict, DatabaseUnavailable, Explanation, LedgerBehind
from ses_ops.sending.chunk.ending import count_attempt, end_attempt
from ses_ops.sending.chunk.journal import JournalEntry, read_journal, remove_journal
from ses_ops.storage.connection import transaction
from ses_ops.storage.ledger import attempts, chunk_locks, chunks
from ses_ops.storage.ledger.batches import Written
from ses_ops.storage.tasks import send_tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.ledger.chunks import LockedChunk

#: The number that a reconnection adds to the steps of an attempt, more than an attempt can make itself: fewer than
#: three a message of a chunk.
FENCE = 1_000_000
_FIRST_CODE = JournalEntry.FIRST_CODE


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """A claimed chunk. Only the holder of its newest attempt may move the chunk's mark."""

    id: int
    #: The name of the attempt's journal.
    journal_id: str
    chunk_id: int
    run_id: str
    occurrence_id: int
    task_id: int
    first_seq: int
    last_seq: int
    #: The last message that earlier attempts had marked.
    sending_through: int
    quota_day_id: int
    #: Number of messages that the attempt may send: the reserved places that are not used. It is lower than the number
    #: of pending messages when attempts that ended in doubt have used up the day.
    places: int
    #: The edition of the task that is sent: when the task gets another edition, the other messages are left for that.
    #: None: any edition.
    edition: int | None = None


def claim_chunk(
    conn: Connection, chunk_id: int, run_id: str, *, edition: int | None = None, tracked: Tracking = UNTRACKED
) -> Attempt | None:
    """Claim a chunk to send an edition of its task; None when this run does not hold the chunk any more.

    `tracked` is what can be noticed of its mail.
    The advisory lock lives as long as the connection, so a dead process never holds it: then every message that the
    process had marked and not reported is in doubt, and becomes *unknown* (or is resent where the task says so). Raises
    Conflict while another process sends this chunk.
    """
    with transaction(conn):
        if not chunk_locks.try_lock(conn, chunk_id=chunk_id):
            other = attempts.last_of_chunk(conn, chunk_id=chunk_id)
            pid, host = (other.pid, other.host) if other else (None, None)
            raise Conflict("chunk_being_sent", chunk=chunk_id, pid=pid, host=host)
        chunk = chunks.lock_reserved(conn, chunk_id=chunk_id)
        if chunk is None or chunk.run_id != run_id:
            return None
        journal = settle_doubt(conn, chunk)
        chunk = chunks.lock(conn, chunk_id=chunk_id)
        assert chunk is not None
        begun = attempts.begin(
            conn,
            chunk_id=chunk_id,
            run_id=run_id,
            host=socket.gethostname(),
            pid=os.getpid(),
            edition=edition,
            tracked=tracked,
        )
    # The journal is removed after the commit: if the commit fails, the next attempt needs the journal.
    remove_journal(journal)
    assert chunk.quota_day_id is not None
    return Attempt(
        id=begun.id,
        journal_id=begun.journal_id,
        chunk_id=chunk_id,
        run_id=run_id,
        occurrence_id=chunk.occurrence_id,
        task_id=chunk.task_id,
        first_seq=chunk.first_seq,
        last_seq=chunk.last_seq,
        sending_through=chunk.sending_through,
        quota_day_id=chunk.quota_day_id,
        places=chunk.reserved - chunk.used,
        edition=edition,
    )


def settle_doubt(conn: Connection, chunk: LockedChunk) -> str | None:
    """Settle the messages that a dead attempt had marked and not reported. Returns the journal to remove afterwards.

    The journal of the attempt, if this machine has it, tells which messages were never begun and the server's replies.
    The other messages become *unknown*, or are requeued where the task says `resend`, and use a place of the day's
    quota all the same. The caller holds the rows of the quota day and, after it, of the chunk, and the chunk's advisory
    lock.
    """
    if chunk.attempt_id is None:
        # No attempt has the chunk, so no pending message should be marked. If one is marked, it may have been sent.
        if chunk.sending_through >= chunk.first_seq:
            settle_marked(conn, chunk, None)
        return None
    journal_id = attempts.journal_of(conn, attempt_id=chunk.attempt_id)
    settle_marked(conn, chunk, read_journal(journal_id))
    end_attempt(conn, attempt_id=chunk.attempt_id, ending="died")
    return journal_id


def settle_from_journal(conn: Connection, attempt: Attempt) -> None:
    """Write the outcomes that the database has lost, from this attempt's journal, which must be closed."""
    with transaction(conn):
        chunk = chunks.lock_reserved(conn, chunk_id=attempt.chunk_id)
        if chunk is not None and chunk_locks.try_lock(conn, chunk_id=chunk.id):
            settle_marked(conn, chunk, read_journal(attempt.journal_id))
            count_attempt(conn, attempt.id)


def settle_marked(conn: Connection, chunk: LockedChunk, journal: Mapping[int, int] | None) -> None:
    """Settle the messages of a chunk that are marked without an outcome, by the journal; None: all are in doubt.

    The caller holds the rows of the quota day and, after it, of the chunk.
    """
    on_unknown = send_tasks.on_unknown_of(conn, task_id=chunk.task_id)
    begun = [seq for seq, entry in (journal or {}).items() if entry == JournalEntry.BEGUN or entry >= _FIRST_CODE]
    seqs = attempts.in_doubt(conn, chunk_id=chunk.id, begun=begun)
    if not seqs:
        return
    open_state = MessageState.UNKNOWN if on_unknown is OnUnknown.HOLD else MessageState.REQUEUED
    entries = {seq: JournalEntry.BEGUN if journal is None else journal[seq] for seq in seqs}
    attempts.settle(
        conn,
        chunk_id=chunk.id,
        occurrence_id=chunk.occurrence_id,
        attempt_id=chunk.attempt_id,
        settled=[_settled(seq, entry, open_state) for seq, entry in entries.items()],
    )
    again = sum(_may_have_left(entry) for entry in entries.values())
    if again and open_state is MessageState.REQUEUED:
        attempts.charge_doubt(conn, quota_day_id=chunk.quota_day_id, chunk_id=chunk.id, count=again)


def _may_have_left(entry: int) -> bool:
    """Whether a message is in doubt by its entry in the journal: the server may have it or not."""
    return entry < _FIRST_CODE and entry not in (JournalEntry.UNTOUCHED, JournalEntry.DEFERRED)


def _settled(seq: int, entry: int, open_state: MessageState) -> Written:
    """The outcome of a message by its entry in the journal; `open_state` for a message in doubt."""
    if entry == JournalEntry.UNTOUCHED:
        return Written(seq, MessageState.REQUEUED, None, "", 0)
    if entry == JournalEntry.DEFERRED:
        return Written(seq, MessageState.REQUEUED, None, "", 1)
    if entry >= _FIRST_CODE:
        state = MessageState.SENT if entry < 400 else MessageState.FAILED
        return Written(seq, state, int(entry), str(Explanation("reply_text_lost")), 1)
    return Written(seq, open_state, None, str(Explanation("sender_died")), 1)


def check_still_mine(conn: Connection, attempt: Attempt, *, steps: int, old_sessions: list[int]) -> int:
    """Number of steps that this attempt has committed, after a lost connection; no older step can follow.

    `steps` is the number as far as the process knows. Raises LedgerBehind when the database knows of fewer,
    AttemptSuperseded unless the chunk still belongs to this attempt, DatabaseUnavailable while the server has not
    noticed the end of `old_sessions` (pids of its processes). The caller holds the transaction.
    """
    chunk = chunks.lock(conn, chunk_id=attempt.chunk_id)
    if chunk is not None and (chunk.state is not ChunkState.RESERVED or chunk.attempt_id != attempt.id):
        chunk = None
    known = attempts.exists(conn, attempt_id=attempt.id, journal_id=attempt.journal_id)
    if not known or (chunk is not None and chunk.steps < steps):
        raise LedgerBehind("ledger_behind", chunk=attempt.chunk_id)
    if chunk is None:
        raise AttemptSuperseded("chunk_taken_over_while_away", chunk=attempt.chunk_id)
    if not chunk_locks.try_lock(conn, chunk_id=attempt.chunk_id):
        chunk_locks.end_old_sessions(conn, chunk_id=attempt.chunk_id, pids=old_sessions)
        raise DatabaseUnavailable("chunk_held_by_lost_session", chunk=attempt.chunk_id)
    attempts.fence_steps(conn, chunk_id=attempt.chunk_id, fence=FENCE)
    return chunk.steps
