"""One process's try at one chunk: its claim, its fence, and what a dead try before it left in doubt."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ses_ops.domain.message_state import MessageState, OnUnknown
from ses_ops.errors import AttemptSuperseded, Conflict, DatabaseUnavailable, Explanation, LedgerBehind
from ses_ops.sending.chunk.journal import JournalEntry, read_journal, remove_journal
from ses_ops.storage.connection import transaction
from ses_ops.storage.named_sql import execute, fetch_all, fetch_one

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import connection as Connection

#: What a reconnection adds to the steps of an attempt, more than it makes itself: less than three a message of a chunk.
FENCE = 1_000_000
_FIRST_CODE = JournalEntry.FIRST_CODE
#: The first key of our advisory locks; the second is the chunk's id.
CHUNK_LOCK = 7_365


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """A claimed chunk. Only the holder of its newest attempt may move the chunk's mark."""

    id: int
    #: Names its journal.
    journal_id: str
    chunk_id: int
    run_id: str
    occurrence_id: int
    task_id: int
    first_seq: int
    last_seq: int
    #: Messages up to here had been marked by earlier tries.
    sending_through: int
    quota_day_id: int
    #: Messages that it may send: what is reserved and not used. Fewer than are pending when tries that ended in doubt
    #: have used up the day.
    places: int
    #: The edition of the task that is sent; when the task has another one, the rest is left for that. None: any.
    edition: int | None = None


def claim_chunk(conn: Connection, chunk_id: int, run_id: str, *, edition: int | None = None) -> Attempt | None:
    """Take a chunk over to send an edition of its task; None when this run has nothing to do with it any more.

    The advisory lock lives as long as the connection, so a dead process never holds it: then every message that it
    had marked and not reported is in doubt, and becomes *unknown* (or is sent again where the task says so). Raises
    Conflict when another process is sending this chunk right now.
    """
    with transaction(conn):
        if not hold_chunk(conn, chunk_id):
            other = fetch_one(conn, "attempts", "last_attempt", chunk_id=chunk_id) or {}
            raise Conflict("chunk_being_sent", chunk=chunk_id, pid=other.get("pid"), host=other.get("host"))
        chunk = _lock(conn, chunk_id)
        if chunk is None or chunk["state"] != "reserved" or chunk["run_id"] != run_id:
            return None
        journal = settle_doubt(conn, chunk)
        chunk = fetch_one(conn, "chunks", "lock_chunk", id=chunk_id)
        assert chunk is not None
        who = {"run_id": run_id, "host": socket.gethostname(), "pid": os.getpid(), "edition": edition}
        made = fetch_one(conn, "attempts", "insert_attempt", chunk_id=chunk_id, **who)
        assert made is not None
        execute(conn, "attempts", "take_chunk", attempt_id=made["id"], chunk_id=chunk_id)
    # Not before: if the commit fails, the next try needs it.
    remove_journal(journal)
    return Attempt(
        id=made["id"],
        journal_id=made["journal_id"],
        chunk_id=chunk_id,
        run_id=run_id,
        occurrence_id=chunk["occurrence_id"],
        task_id=chunk["task_id"],
        first_seq=chunk["first_seq"],
        last_seq=chunk["last_seq"],
        sending_through=chunk["sending_through"],
        quota_day_id=chunk["quota_day_id"],
        places=chunk["reserved"] - (chunk["sent"] + chunk["unknown"] - chunk["used_before"]),
        edition=edition,
    )


def _lock(conn: Connection, chunk_id: int) -> dict[str, Any] | None:
    """A chunk's row, locked behind its quota day's, as reserving does: what is in doubt may have to be charged."""
    found = fetch_one(conn, "chunks", "chunk_day", id=chunk_id)
    if found is not None:
        execute(conn, "chunks", "lock_day_of_chunk", id=found["quota_day_id"])
    return fetch_one(conn, "chunks", "lock_chunk", id=chunk_id)


def hold_chunk(conn: Connection, chunk_id: int) -> bool:
    """Take the session's advisory lock on a chunk; False when another session holds it."""
    with conn.cursor() as cursor:
        # A lock is counted: taking it twice in one session would need two releases.
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = %(a)s AND objid = %(b)s"
            " AND objsubid = 2 AND pid = pg_backend_pid()) OR pg_try_advisory_lock(%(a)s, %(b)s)",
            {"a": CHUNK_LOCK, "b": chunk_id},
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def let_go_of_chunk(conn: Connection, chunk_id: int) -> None:
    """Give the advisory lock back before the connection ends."""
    with conn.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", (CHUNK_LOCK, chunk_id))


def settle_doubt(conn: Connection, chunk: dict[str, Any]) -> str | None:
    """Decide on what a dead attempt had marked and not reported. Returns the journal to remove once this is committed.

    Its journal, if it is here, tells what was never begun and what the server said; the rest becomes *unknown*, or is
    requeued where the task says `resend`, and uses a place of the day's quota all the same. The caller holds the rows
    of the chunk and, before it, of its quota day, and the chunk's advisory lock.
    """
    if chunk["attempt_id"] is None:
        # Nobody has it, so nothing should lie behind the mark. What does all the same may have been sent.
        if chunk["sending_through"] >= chunk["first_seq"]:
            _settle(conn, chunk, None)
        return None
    dead = fetch_one(conn, "attempts", "journal_of", id=chunk["attempt_id"])
    assert dead is not None
    _settle(conn, chunk, read_journal(dead["journal_id"]))
    execute(conn, "attempts", "end_attempt", id=chunk["attempt_id"], ending="died")
    return str(dead["journal_id"])


def own_up(conn: Connection, attempt: Attempt) -> None:
    """Write down what this attempt did and the database has lost, from its journal, which must be closed."""
    with transaction(conn):
        chunk = _lock(conn, attempt.chunk_id)
        if chunk is not None and chunk["state"] == "reserved" and hold_chunk(conn, chunk["id"]):
            _settle(conn, chunk, read_journal(attempt.journal_id))


def _settle(conn: Connection, chunk: dict[str, Any], journal: Mapping[int, int] | None) -> None:
    task = fetch_one(conn, "send_tasks", "on_unknown_of", task_id=chunk["task_id"])
    assert task is not None
    begun = [seq for seq, entry in (journal or {}).items() if entry == JournalEntry.BEGUN or entry >= _FIRST_CODE]
    seqs = [row["seq"] for row in fetch_all(conn, "attempts", "in_doubt", chunk_id=chunk["id"], begun=begun)]
    if seqs:
        open_state = MessageState.UNKNOWN if task["on_unknown"] == OnUnknown.HOLD else MessageState.REQUEUED
        settled = [_settled(seq, journal, open_state) for seq in seqs]
        states = [entry.state for entry in settled]
        execute(
            conn,
            "attempts",
            "settle_doubtful",
            occurrence_id=chunk["occurrence_id"],
            attempt_id=chunk["attempt_id"],
            seqs=seqs,
            states=[state.value for state in states],
            codes=[entry.code for entry in settled],
            texts=[entry.text for entry in settled],
            tried=[entry.tried for entry in settled],
        )
        counts = {state.value: states.count(state) for state in (MessageState.SENT, MessageState.FAILED)}
        execute(
            conn,
            "attempts",
            "count_settled",
            chunk_id=chunk["id"],
            unknown=states.count(MessageState.UNKNOWN),
            **counts,
        )
        again = sum(entry.state is MessageState.REQUEUED and entry.in_doubt for entry in settled)
        if again:
            of_day = {"quota_day_id": chunk["quota_day_id"], "chunk_id": chunk["id"]}
            fetch_one(conn, "attempts", "charge_doubt", **of_day, count=again)


class _Settled(NamedTuple):
    state: MessageState
    code: int | None
    text: str | None
    tried: int
    #: The server may have taken it.
    in_doubt: bool = False


def _settled(seq: int, journal: Mapping[int, int] | None, open_state: MessageState) -> _Settled:
    """What becomes of a message in doubt; `open_state` where nobody knows."""
    entry = JournalEntry.BEGUN if journal is None else journal[seq]
    if entry == JournalEntry.UNTOUCHED:
        return _Settled(MessageState.REQUEUED, None, None, 0)
    if entry == JournalEntry.DEFERRED:
        return _Settled(MessageState.REQUEUED, None, None, 1)
    if entry >= _FIRST_CODE:
        state = MessageState.SENT if entry < 400 else MessageState.FAILED
        return _Settled(state, int(entry), str(Explanation("reply_text_lost")), 1)
    return _Settled(open_state, None, str(Explanation("sender_died")), 1, in_doubt=True)


def check_still_mine(conn: Connection, attempt: Attempt, *, steps: int, old_sessions: list[int]) -> int:
    """After a lost connection: the steps this attempt has committed; none that is still under way can follow.

    `steps` are those that were committed as far as it knows. Raises LedgerBehind when the database knows of fewer,
    AttemptSuperseded unless the chunk is still this attempt's, DatabaseUnavailable while the server has not
    noticed that `old_sessions` (its processes) are over. The caller holds the transaction.
    """
    chunk = fetch_one(conn, "chunks", "lock_chunk", id=attempt.chunk_id)
    mine = chunk is not None and chunk["state"] == "reserved" and chunk["attempt_id"] == attempt.id
    made = fetch_one(conn, "attempts", "attempt_exists", id=attempt.id, journal_id=attempt.journal_id)
    if not (made and made["exists"]) or (mine and chunk is not None and chunk["steps"] < steps):
        raise LedgerBehind("ledger_behind", chunk=attempt.chunk_id)
    if not mine:
        raise AttemptSuperseded("chunk_taken_over_while_away", chunk=attempt.chunk_id)
    if not hold_chunk(conn, attempt.chunk_id):
        fetch_all(conn, "attempts", "end_old_sessions", pids=old_sessions, lock=CHUNK_LOCK, chunk_id=attempt.chunk_id)
        raise DatabaseUnavailable("chunk_held_by_lost_session", chunk=attempt.chunk_id)
    assert chunk is not None
    execute(conn, "attempts", "fence_steps", chunk_id=attempt.chunk_id, fence=FENCE)
    return int(chunk["steps"])
