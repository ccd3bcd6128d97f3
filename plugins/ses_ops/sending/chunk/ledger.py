"""The ledger of a chunk that is being sent: outcomes in, marked messages out.

One commit writes a batch of outcomes and moves the mark over the next batch of messages, so that few messages are ever
in doubt, and the database commits a few hundred times a second instead of ten thousand.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ses_ops.errors import AttemptSuperseded, Explanation
from ses_ops.sending.chunk.claim import FENCE, Attempt, check_still_mine
from ses_ops.storage.async_connection import AsyncConnection
from ses_ops.storage.connection import KEY_LOOKUPS, connect, transaction
from ses_ops.storage.ledger import attempts, batches

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.ledger.batches import Batch, Heartbeat, Marked, Written

APPLICATION = "ses-ops send"


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchResult:
    """The result of one commit: the messages that were marked."""

    marked: list[Marked]
    #: Whether no unmarked message is left in the chunk.
    exhausted: bool
    #: Why sending must stop now: paused, cancelled, or the quota day is over.
    stop_reason: str | None = None


@dataclass(slots=True)
class ChunkLedger:
    """Reads and writes the messages of one claimed chunk, within the event loop."""

    #: The connection that holds the claim's advisory lock; idle while sending.
    control: Connection
    dsn: str
    attempt: Attempt
    through: int = field(init=False)
    #: Number of outcomes that this attempt has written, by state.
    counts: dict[str, int] = field(init=False)
    #: Number of places of the day's quota that were charged for attempts that ended in doubt.
    charged: int = field(init=False, default=0)
    _conn: AsyncConnection = field(init=False)
    #: Number of statements of this attempt that were committed, as the chunk counts them.
    _steps: int = field(init=False, default=0)
    #: Pids of the server's processes that hold or held the claim: one may not have noticed its lost connection yet.
    _sessions: list[int] = field(init=False)
    #: Whether the statement whose answer was lost was committed; None when no answer was lost.
    _happened: bool | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.through = max(self.attempt.sending_through, self.attempt.first_seq - 1)
        self._sessions = [self.control.info.backend_pid]
        self.counts = dict.fromkeys(("sent", "failed", "suppressed", "unknown"), 0)

    async def open(self) -> None:
        """Connect. Raises DatabaseUnavailable."""
        self._conn = await AsyncConnection.open(self.dsn, application=APPLICATION, options=KEY_LOOKUPS)
        await batches.prepare(self._conn)

    async def requeued(self, give_up_after: float) -> tuple[list[Marked], frozenset[int]]:
        """The messages that earlier attempts left to be retried. They are not marked: see `mark_again`.

        Then the numbers of those that a server first deferred more than `give_up_after` seconds ago.
        """
        span = {"first_seq": self.attempt.first_seq, "last_seq": self.attempt.last_seq}
        return await batches.requeued(self._conn, **self._occurrence, **span, give_up_after=give_up_after)

    async def note_deferred(self, seqs: list[int]) -> None:
        """Store when the server first deferred these messages. Safe to repeat. Raises DatabaseUnavailable."""
        await batches.note_deferred(self._conn, **self._occurrence, seqs=seqs)

    async def suppress(self, bounced: dict[int, str]) -> None:
        """Put the addresses of messages on the suppression list, with the server's words. Safe to repeat.

        Raises DatabaseUnavailable.
        """
        if bounced:
            await batches.suppress(self._conn, bounced, **self._occurrence, task_id=self.attempt.task_id)

    async def step(self, outcomes: list[Written], *, limit: int) -> BatchResult:
        """Write the outcomes and mark up to `limit` more messages: both are committed on return, or neither is.

        Raises AttemptSuperseded when another attempt has the chunk, DatabaseUnavailable when the server cannot be
        reached: then `recover_step` tells whether the step was committed.
        """
        batch = await self._write(outcomes, limit)
        if batch is None:
            raise AttemptSuperseded("chunk_taken_over", chunk=self.attempt.chunk_id)
        through, written, sent, failed, suppressed, unknown, stop_reason, marked = batch
        self._confirm(through, sent=sent, failed=failed, suppressed=suppressed, unknown=unknown)
        if written != len(outcomes) + suppressed:
            raise AttemptSuperseded("outcome_of_another_attempt", chunk=self.attempt.chunk_id)
        why = stop_reason and Explanation(stop_reason).sentence
        return BatchResult(marked=marked, exhausted=through >= self.attempt.last_seq, stop_reason=why)

    async def _write(self, outcomes: list[Written], limit: int) -> Batch | None:
        attempt = self.attempt
        return await batches.step(
            self._conn,
            outcomes,
            chunk_id=attempt.chunk_id,
            attempt_id=attempt.id,
            occurrence_id=attempt.occurrence_id,
            first_seq=self.through + 1,
            last_seq=attempt.last_seq,
            limit=limit,
            steps=self._steps,
            edition=attempt.edition,
        )

    def _confirm(self, through: int, **counts: int) -> None:
        self._steps += 1
        self.through = through
        for state, count in counts.items():
            self.counts[state] += count

    async def mark_again(self, messages: list[Marked]) -> list[Marked]:
        """Mark messages that are to be retried; returns those that may be sent (none while the task is stopped).

        The other messages have been suppressed, or stay unchanged. Raises as `step` does.
        """
        attempt = self.attempt
        marked = await batches.mark_again(
            self._conn,
            [message.seq for message in messages],
            chunk_id=attempt.chunk_id,
            attempt_id=attempt.id,
            occurrence_id=attempt.occurrence_id,
            steps=self._steps,
            edition=attempt.edition,
        )
        if marked is None:
            return []  # the task is stopped, or the attempt superseded: the next step tells which
        self._confirm(self.through, suppressed=marked.suppressed)
        return _chosen(messages, marked.seqs)

    async def heartbeat(self) -> Heartbeat:
        """Report that this attempt lives."""
        return await batches.heartbeat(self._conn, attempt_id=self.attempt.id, chunk_id=self.attempt.chunk_id)

    @property
    def _occurrence(self) -> dict[str, int]:
        return {"occurrence_id": self.attempt.occurrence_id}

    @property
    def places(self) -> int:
        """Number of messages that may still be sent of the reserved ones, with those that are under way."""
        return self.attempt.places - self.charged - self.counts["sent"] - self.counts["unknown"]

    async def charge_doubt(self, count: int) -> None:
        """Charge the day for attempts that will be repeated although the server may have taken the message.

        This comes before their outcome is written: a crash in between charges an attempt twice, but never not at all.
        Raises DatabaseUnavailable.
        """
        of_day = {"quota_day_id": self.attempt.quota_day_id, "chunk_id": self.attempt.chunk_id}
        self.charged += await attempts.charge_doubt_while_sending(self._conn, **of_day, count=count)

    async def recover_step(self, outcomes: list[Written]) -> BatchResult | None:
        """Connect anew after a lost connection; returns the step that was under way if it was committed, else None.

        Raises AttemptSuperseded when another attempt has the chunk, DatabaseUnavailable.
        """
        await self._reconnect()
        if not self._happened:
            self._happened = None
            return None
        through = await batches.mark_of_chunk(self._conn, chunk_id=self.attempt.chunk_id)
        span = {"first_seq": self.through + 1, "last_seq": through}
        marked = await batches.marked_between(self._conn, **self._occurrence, **span)
        states = [entry.state.value for entry in outcomes]
        self._happened, self.through = None, through
        for state in self.counts:
            self.counts[state] += states.count(state)
        return BatchResult(marked=marked, exhausted=through >= self.attempt.last_seq)

    async def recover_again(self, messages: list[Marked]) -> list[Marked] | None:
        """As `recover_step`, for `mark_again`."""
        await self._reconnect()
        seqs = [message.seq for message in messages]
        sending = await batches.sending_of(self._conn, **self._occurrence, seqs=seqs) if self._happened else []
        happened, self._happened = self._happened, None
        return _chosen(messages, sending) if happened else None

    async def _reconnect(self) -> None:
        """Connect anew, check the claim, and find out whether the last statement was committed."""
        self.close()
        steps = await asyncio.get_running_loop().run_in_executor(None, self._renew_control)
        if self._happened is None:
            # The number has the fences whose own answer was lost, too.
            self._happened = (steps - self._steps) % FENCE == 1
        self._steps = steps + FENCE
        await self.open()

    def _renew_control(self) -> int:
        self.control.close()
        self.control = connect(self.dsn, application=APPLICATION, options=KEY_LOOKUPS)
        self._sessions.append(self.control.info.backend_pid)
        with transaction(self.control):
            steps = check_still_mine(self.control, self.attempt, steps=self._steps, old_sessions=self._sessions)
        self._sessions = [self.control.info.backend_pid]
        return steps

    def close(self) -> None:
        """Close the connection of the steps; `control` stays open."""
        self._conn.close()


def _chosen(messages: list[Marked], seqs: list[int]) -> list[Marked]:
    chosen = set(seqs)
    return [message for message in messages if message.seq in chosen]
