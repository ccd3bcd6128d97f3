"""The ledger's side of sending a chunk: batches of outcomes in, batches of marked messages out, one commit each.

A batch's outcomes are written and the mark moves over the next batch in the same transaction, so at most two small
batches are ever in doubt, and the database commits a few hundred times a second instead of ten thousand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg2

from ses_ops.domain.message_state import MessageState
from ses_ops.errors import AttemptSuperseded, DatabaseUnavailable
from ses_ops.sending.attempt import Attempt, check_still_mine
from ses_ops.storage.connection import connect, one_line, transaction
from ses_ops.storage.sql import execute, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_FINAL = ("sent", "failed", "suppressed", "unknown")


class Marked(NamedTuple):
    """A message that may be sent now: its mark is committed."""

    seq: int
    address: str
    values: dict[str, str]
    tries: int


class Written(NamedTuple):
    """An outcome to be written. `tried` is 1 when the server was asked, else 0."""

    seq: int
    state: MessageState
    code: int | None
    text: str
    tried: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What one commit brought."""

    marked: list[Marked]
    #: No unmarked message is left in the chunk.
    exhausted: bool
    #: Why sending must stop now: paused, cancelled, or the quota day is over.
    stop_reason: str | None


class _Unsure(NamedTuple):
    step: Step
    through: int
    counts: dict[str, int]
    again: int


@dataclass(slots=True)
class ChunkLedger:
    """Reads and writes the messages of one claimed chunk. Belongs to one thread."""

    conn: Connection
    dsn: str
    attempt: Attempt
    through: int = field(init=False)
    _again: list[Marked] = field(init=False, default_factory=list)
    _counts: dict[str, int] = field(init=False, default_factory=lambda: dict.fromkeys(_FINAL, 0))
    _steps: int = field(init=False, default=0)
    #: A step whose commit was asked for and not yet confirmed.
    _unsure: _Unsure | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.through = max(self.attempt.sending_through, self.attempt.first_seq - 1)

    @property
    def counts(self) -> dict[str, int]:
        """Outcomes that this attempt has written, by state."""
        return dict(self._counts)

    def load_requeued(self) -> None:
        """Read the messages that earlier tries left to be tried again; they go first."""
        rows = self._rows("requeued_of_chunk", first_seq=self.attempt.first_seq, last_seq=self.attempt.last_seq)
        self._again = [Marked(*row) for row in rows]
        self.conn.rollback()

    def try_again(self, messages: list[Marked]) -> None:
        """Give back messages whose outcome was written as requeued; they are handed out once more."""
        self._again.extend(messages)

    @property
    def has_again(self) -> bool:
        return bool(self._again)

    def step(self, outcomes: list[Written], *, limit: int) -> Step:
        """Write the outcomes and mark up to `limit` more messages, in one transaction that is committed on return.

        Raises AttemptSuperseded when the chunk is no longer ours, DatabaseUnavailable when the server is away: then
        nothing happened, and the call may be repeated after `reconnect`.
        """
        self._unsure = None
        again = self._again[:limit]
        with transaction(self.conn):
            marked, suppressed, through = self._mark(limit, again) if limit else ([], [], self.through)
            written = outcomes + suppressed
            if written:
                self._write(written)
            counts = _count(written)
            stop_reason = self._advance(through, counts)
            step = Step(marked=marked, exhausted=through >= self.attempt.last_seq, stop_reason=stop_reason)
            self._unsure = _Unsure(step, through, counts, len(again))
        return self._confirm()

    def _confirm(self) -> Step:
        assert self._unsure is not None
        step, self.through, counts, again = self._unsure
        self._unsure = None
        self._steps += 1
        for state, count in counts.items():
            self._counts[state] += count
        del self._again[:again]
        return step

    def _mark(self, limit: int, again: list[Marked]) -> tuple[list[Marked], list[Written], int]:
        if again:
            return self._mark_again(again)
        rows = self._rows("next_batch", after=self.through, last_seq=self.attempt.last_seq, limit=limit)
        marked = [Marked(*row[:4]) for row in rows if row[4] is None]
        suppressed = [_suppressed(row[0], row[4]) for row in rows if row[4] is not None]
        through = rows[-1][0] if len(rows) == limit else self.attempt.last_seq
        return marked, suppressed, through

    def _mark_again(self, again: list[Marked]) -> tuple[list[Marked], list[Written], int]:
        batch = {message.seq: message for message in again}
        rows = self._rows("suppressed_now", seqs=list(batch))
        suppressed = [_suppressed(seq, reason) for seq, reason in rows]
        for entry in suppressed:
            del batch[entry.seq]
        execute(
            self.conn,
            "attempts",
            "mark_sending",
            attempt_id=self.attempt.id,
            occurrence_id=self.attempt.occurrence_id,
            seqs=list(batch),
        )
        return list(batch.values()), suppressed, self.through

    def _write(self, written: list[Written]) -> None:
        seqs, states, codes, texts, tried = zip(*written, strict=True)
        touched = execute(
            self.conn,
            "attempts",
            "write_outcomes",
            attempt_id=self.attempt.id,
            occurrence_id=self.attempt.occurrence_id,
            seqs=list(seqs),
            states=[state.value for state in states],
            codes=list(codes),
            texts=list(texts),
            tried=list(tried),
        )
        if touched != len(written):
            raise AttemptSuperseded(
                f"chunk {self.attempt.chunk_id}: {len(written) - touched} messages have an outcome of somebody else"
            )

    def _advance(self, through: int, counts: dict[str, int]) -> str | None:
        with self.conn.cursor() as cursor:
            cursor.execute(
                statements("attempts")["advance"],
                {
                    "chunk_id": self.attempt.chunk_id,
                    "attempt_id": self.attempt.id,
                    "sending_through": through,
                    **counts,
                },
            )
            row = cursor.fetchone()
        if row is None:
            raise AttemptSuperseded(f"chunk {self.attempt.chunk_id} was taken over by another attempt")
        paused, cancelled, day_over = row
        if cancelled:
            return "the task is cancelled"
        if paused:
            return "the task is paused"
        return "the quota day ended" if day_over else None

    def heartbeat(self) -> int:
        """Say that this attempt lives; returns how many attempts are alive now, this one included."""
        with transaction(self.conn), self.conn.cursor() as cursor:
            cursor.execute(statements("attempts")["heartbeat"], {"id": self.attempt.id})
            row = cursor.fetchone()
        assert row is not None
        return int(row[0])

    def reconnect(self) -> Step | None:
        """Open a new connection and make sure that the chunk is still ours.

        Returns the step whose commit had been asked for when the connection was lost, if it did happen.
        """
        try:
            self.conn.close()
        except psycopg2.Error as cause:  # pragma: no cover - closing a dead connection hardly fails
            raise DatabaseUnavailable(one_line(cause)) from cause
        self.conn = connect(self.dsn, application="ses-ops send")
        with transaction(self.conn):
            steps = check_still_mine(self.conn, self.attempt)
        if self._unsure is not None and steps == self._steps + 1:
            return self._confirm()
        return None

    def _rows(self, name: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.conn.cursor() as cursor:
            cursor.execute(statements("attempts")[name], {"occurrence_id": self.attempt.occurrence_id, **values})
            return cursor.fetchall()


def _count(written: list[Written]) -> dict[str, int]:
    counts = dict.fromkeys(_FINAL, 0)
    for entry in written:
        if entry.state.value in counts:
            counts[entry.state.value] += 1
    return counts


def _suppressed(seq: int, reason: str) -> Written:
    return Written(seq, MessageState.SUPPRESSED, None, reason, 0)
