"""The end of a chunk of single messages: unused places go back to the day, what is pending waits for another try."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ses_ops.errors import AttemptSuperseded
from ses_ops.sending.chunk.claim import settle_doubt, settle_marked
from ses_ops.sending.chunk.ending import end_attempt
from ses_ops.sending.chunk.journal import read_journal, remove_journal
from ses_ops.sending.release import Ending, release_chunk
from ses_ops.storage.connection import database_now, transaction
from ses_ops.storage.ledger import chunks
from ses_ops.storage.single_messages import open_chunks

if TYPE_CHECKING:
    from datetime import timedelta

    from psycopg2.extensions import connection as Connection

    from ses_ops.sending.chunk.claim import Attempt
    from ses_ops.storage.ledger.chunks import LockedChunk


def close_chunk(conn: Connection, attempt: Attempt, ending: Ending, *, due_in: timedelta | None = None) -> None:
    """Close a chunk of this process, whose journal is closed and kept. Its marked messages are settled by the journal.

    `due_in` is the time after which pending messages are due, in place of the ending's. There are marked ones when a
    commit was lost and happened all the same: nobody gave them to the sender. Raises AttemptSuperseded when another
    attempt has the chunk.
    """
    with transaction(conn):
        chunk = chunks.lock_reserved(conn, chunk_id=attempt.chunk_id)
        if chunk is None or chunk.attempt_id != attempt.id:
            if chunks.reservation_of(conn, chunk_id=attempt.chunk_id) is None:
                return  # it was opened by a transaction that never happened
            raise AttemptSuperseded("chunk_taken_over", chunk=attempt.chunk_id)
        if chunk.pending:
            settle_marked(conn, chunk, read_journal(attempt.journal_id))
        _release(conn, chunk, ending, due_in)
        end_attempt(
            conn, attempt_id=attempt.id, ending="finished" if not chunk.pending else f"released: {ending.reason}"
        )
    remove_journal(attempt.journal_id)


def release_dead(conn: Connection, chunk_id: int, *, run_id: str, ending: Ending) -> bool:
    """Release a chunk of a dead process: what it marked and did not report is settled. False when it has it no more.

    What its journal, if this machine has it, says was never begun is due at once; the rest is in doubt, and is never
    sent again by itself.
    """
    with transaction(conn):
        chunk = chunks.lock_reserved(conn, chunk_id=chunk_id)
        if chunk is None or chunk.run_id != run_id:
            return False
        journal = settle_doubt(conn, chunk)
        _release(conn, chunk, ending)
    remove_journal(journal)
    return True


def _release(conn: Connection, chunk: LockedChunk, ending: Ending, due_in: timedelta | None = None) -> None:
    now = database_now(conn)
    if due_in is not None:
        ending = replace(ending, due_at=now + due_in)
    settled = chunks.lock(conn, chunk_id=chunk.id)
    assert settled is not None
    assert chunk.quota_day_id is not None
    assert chunk.run_id is not None
    unused = max(0, settled.reserved - max(0, settled.used))
    open_chunks.give_back_single(conn, quota_day_id=chunk.quota_day_id, count=unused)
    release_chunk(conn, chunk.id, run_id=chunk.run_id, now=now, ending=ending)
