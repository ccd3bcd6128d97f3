"""The ledger's side of sending a chunk: batches of outcomes in, batches of marked messages out, one commit each.

A batch's outcomes are written and the mark moves over the next batch in the same transaction, so at most two small
batches are ever in doubt, and the database commits a few hundred times a second instead of ten thousand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ses_ops.domain.message_state import MessageState
from ses_ops.errors import AttemptSuperseded
from ses_ops.sending.attempt import Attempt, check_still_mine
from ses_ops.storage.connection import KEY_LOOKUPS, connect, errors_wrapped, transaction
from ses_ops.storage.sql import execute, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_TYPES = ("", "", "", "", "", "", "::int[]", "::message_state[]", "::smallint[]", "::text[]", "::smallint[]")
_STEP = "BEGIN; EXECUTE ledger_step (" + ", ".join(f"%s{cast}" for cast in _TYPES) + ")"


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
    counts: tuple[int, ...]
    again: int


@dataclass(slots=True)
class ChunkLedger:
    """Reads and writes the messages of one claimed chunk. Belongs to one thread."""

    conn: Connection
    dsn: str
    attempt: Attempt
    through: int = field(init=False)
    _again: list[Marked] = field(init=False, default_factory=list)
    #: sent, failed, suppressed, unknown
    _counts: tuple[int, ...] = field(init=False, default=(0, 0, 0, 0))
    _steps: int = field(init=False, default=0)
    #: A step whose commit was asked for and not yet confirmed.
    _unsure: _Unsure | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.through = max(self.attempt.sending_through, self.attempt.first_seq - 1)
        self._prepare()

    def _prepare(self) -> None:
        with transaction(self.conn), self.conn.cursor() as cursor:
            cursor.execute(statements("attempts")["prepare_step"])
        # One round trip begins, one commits: psycopg2's own BEGIN would be a third.
        self.conn.autocommit = True

    @property
    def counts(self) -> dict[str, int]:
        """Outcomes that this attempt has written, by state."""
        return dict(zip(("sent", "failed", "suppressed", "unknown"), self._counts, strict=True))

    def load_requeued(self) -> None:
        """Read the messages that earlier tries left to be tried again; they go first."""
        with errors_wrapped(self.conn):
            rows = self._rows("requeued_of_chunk", first_seq=self.attempt.first_seq, last_seq=self.attempt.last_seq)
        self._again = [Marked(*row) for row in rows]

    def try_again(self, messages: list[Marked]) -> None:
        """Give back messages whose outcome was written as requeued; they are handed out once more."""
        self._again.extend(messages)

    @property
    def has_again(self) -> bool:
        return bool(self._again)

    def step(self, outcomes: list[Written], *, limit: int) -> Step:
        """Write the outcomes and mark up to `limit` more messages, in one transaction that is committed on return.

        Raises AttemptSuperseded when the chunk is no longer ours, DatabaseUnavailable when the server is away: then
        the call may be repeated after `reconnect`, unless that returns its step.
        """
        self._unsure = None
        again = self._again[:limit]
        with errors_wrapped(self.conn), self.conn.cursor() as cursor:
            if again:
                outcomes = outcomes + self._suppressed_of(again)
                limit = 0
            cursor.execute(_STEP, self._step_values(outcomes, limit))
            rows = cursor.fetchall()
            if not rows:
                raise AttemptSuperseded(f"chunk {self.attempt.chunk_id} was taken over by another attempt")
            through, written, *counts, stop_reason = rows[0][:7]
            marked = [Marked(*row[7:11]) for row in rows if row[7] is not None and row[11] is None]
            if written != len(outcomes) + counts[2] - sum(o.state is MessageState.SUPPRESSED for o in outcomes):
                raise AttemptSuperseded(f"chunk {self.attempt.chunk_id}: an outcome is somebody else's already")
            if again:
                marked = self._mark_again(again, outcomes)
            step = Step(marked=marked, exhausted=through >= self.attempt.last_seq, stop_reason=stop_reason)
            self._unsure = _Unsure(step, through, tuple(counts), len(again))
            cursor.execute("COMMIT")
        return self._confirm()

    def _step_values(self, outcomes: list[Written], limit: int) -> tuple[Any, ...]:
        seqs, states, codes, texts, tried = zip(*outcomes, strict=True) if outcomes else ((),) * 5
        attempt = self.attempt
        keys = (attempt.chunk_id, attempt.id, attempt.occurrence_id, self.through + 1, attempt.last_seq, limit)
        return (*keys, list(seqs), [state.value for state in states], list(codes), list(texts), list(tried))

    def _confirm(self) -> Step:
        assert self._unsure is not None
        step, self.through, counts, again = self._unsure
        self._unsure = None
        self._steps += 1
        self._counts = tuple(map(sum, zip(self._counts, counts, strict=True)))
        del self._again[:again]
        return step

    def _suppressed_of(self, again: list[Marked]) -> list[Written]:
        rows = self._rows("suppressed_now", seqs=[message.seq for message in again])
        return [Written(seq, MessageState.SUPPRESSED, None, reason, 0) for seq, reason in rows]

    def _mark_again(self, again: list[Marked], outcomes: list[Written]) -> list[Marked]:
        suppressed = {entry.seq for entry in outcomes if entry.state is MessageState.SUPPRESSED}
        marked = [message for message in again if message.seq not in suppressed]
        seqs = [message.seq for message in marked]
        keys = {"attempt_id": self.attempt.id, "occurrence_id": self.attempt.occurrence_id}
        execute(self.conn, "attempts", "mark_sending", seqs=seqs, **keys)
        return marked

    def end(self) -> Connection:
        """No more steps: the connection as others know it, outside a transaction."""
        self.conn.autocommit = False
        return self.conn

    def heartbeat(self) -> int:
        """Say that this attempt lives; returns how many attempts are alive now, this one included."""
        with errors_wrapped(self.conn), self.conn.cursor() as cursor:
            cursor.execute(statements("attempts")["heartbeat"], {"id": self.attempt.id})
            row = cursor.fetchone()
        assert row is not None
        return int(row[0])

    def reconnect(self) -> Step | None:
        """Open a new connection and make sure that the chunk is still ours.

        Returns the step whose commit had been asked for when the connection was lost, if it did happen.
        """
        self.conn.close()
        self.conn = connect(self.dsn, application="ses-ops send", options=KEY_LOOKUPS)
        with transaction(self.conn):
            steps = check_still_mine(self.conn, self.attempt)
        self._prepare()
        if self._unsure is not None and steps == self._steps + 1:
            return self._confirm()
        return None

    def _rows(self, name: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.conn.cursor() as cursor:
            cursor.execute(statements("attempts")[name], {"occurrence_id": self.attempt.occurrence_id, **values})
            return cursor.fetchall()
