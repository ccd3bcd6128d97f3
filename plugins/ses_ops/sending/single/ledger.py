"""The ledger of single messages while they are sent: outcomes in, marks for another try."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeVar

from ses_ops.errors import AttemptSuperseded, DatabaseUnavailable
from ses_ops.sending.chunk.claim import FENCE, check_still_mine
from ses_ops.storage.async_connection import AsyncConnection
from ses_ops.storage.connection import KEY_LOOKUPS, transaction
from ses_ops.storage.ledger import batches
from ses_ops.storage.single_messages import processes, retries

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.sending.single.control import Control
    from ses_ops.sending.single.held import HeldChunk, Waiting
    from ses_ops.storage.ledger.batches import Written
    from ses_ops.storage.single_messages.retries import StoredRow

_log = logging.getLogger(__name__)

Result = TypeVar("Result")

APPLICATION = "ses-ops single messages"


class SingleLedger:
    """Writes outcomes and marks of this process's chunks, one statement at a time, each a commit of its own.

    It belongs to the event loop.
    """

    def __init__(self, dsn: str, control: Control) -> None:
        self._dsn = dsn
        self._control = control
        self._conn: AsyncConnection | None = None
        #: The chunk of the statement whose answer was lost.
        self._in_doubt: HeldChunk | None = None
        #: One statement at a time.
        self._turn = asyncio.Lock()

    async def _open(self) -> AsyncConnection:
        """The connection, made anew after a loss. Raises DatabaseUnavailable."""
        if self._conn is None:
            conn = await AsyncConnection.open(self._dsn, application=APPLICATION, options=KEY_LOOKUPS)
            await batches.prepare(conn)
            await retries.prepare(conn)
            self._conn = conn
        return self._conn

    def close(self) -> None:
        """Close the connection. Safe to repeat."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    async def write(self, held: HeldChunk, outcomes: list[Written], bounced: Mapping[int, str]) -> None:
        """Write outcomes, and before them the addresses of some of them on the suppression list.

        Raises DatabaseUnavailable: then it is called again with the same outcomes. AttemptSuperseded when another
        attempt has the chunk, LedgerBehind when the database has lost commits.
        """
        async with self._turn:
            await self._write(held, outcomes, bounced)

    async def _write(self, held: HeldChunk, outcomes: list[Written], bounced: Mapping[int, str]) -> None:
        conn, attempt = await self._open(), held.attempt
        if await self._happened(held):
            return
        try:
            if bounced:
                of = {"task_id": attempt.task_id, "occurrence_id": attempt.occurrence_id}
                await batches.suppress(conn, bounced, **of)
            self._in_doubt = held
            batch = await batches.step(
                conn,
                outcomes,
                chunk_id=attempt.chunk_id,
                attempt_id=attempt.id,
                occurrence_id=attempt.occurrence_id,
                first_seq=attempt.first_seq,
                last_seq=attempt.last_seq,
                limit=0,
                steps=held.steps,
                edition=None,
            )
        except DatabaseUnavailable:
            self.close()
            raise
        self._in_doubt = None
        if batch is None:
            await self._superseded(held)
            raise AttemptSuperseded("chunk_taken_over", chunk=attempt.chunk_id)
        held.steps += 1
        if batch.written != len(outcomes):
            _log.warning("chunk %s: %s of %s outcomes have no message", attempt.chunk_id, batch.written, len(outcomes))

    async def mark_again(self, held: HeldChunk, messages: Sequence[Waiting], marketing: Sequence[bool]) -> list[int]:
        """Mark messages for another try; the places of those that may be sent. Raises as `write`.

        The others were suppressed meanwhile; none when the quota day is over.
        """
        async with self._turn:
            return await self._mark_again(held, messages, marketing)

    async def _mark_again(self, held: HeldChunk, messages: Sequence[Waiting], marketing: Sequence[bool]) -> list[int]:
        conn, attempt = await self._open(), held.attempt
        seqs = [message.seq for message in messages]
        if await self._happened(held):
            return await batches.sending_of(conn, occurrence_id=attempt.occurrence_id, seqs=seqs)
        keys = {"chunk_id": attempt.chunk_id, "attempt_id": attempt.id, "occurrence_id": attempt.occurrence_id}
        try:
            self._in_doubt = held
            marked = await retries.again(conn, **keys, seqs=seqs, marketing=marketing, steps=held.steps)
        except DatabaseUnavailable:
            self.close()
            raise
        self._in_doubt = None
        if marked is None:
            await self._superseded(held)
            return []
        held.steps += 1
        return marked.seqs

    async def content_of(self, held: HeldChunk, seqs: Sequence[int]) -> list[StoredRow]:
        """What messages say. Raises DatabaseUnavailable."""
        return await self._looked_up(retries.content_of, occurrence_id=held.attempt.occurrence_id, seqs=seqs)

    async def requeued(self, held: HeldChunk, give_up_after: float) -> tuple[list[batches.Marked], frozenset[int]]:
        """The messages of a claimed chunk that wait for another try; then those that expire with the next deferral."""
        attempt = held.attempt
        span = {"first_seq": attempt.first_seq, "last_seq": attempt.last_seq, "occurrence_id": attempt.occurrence_id}
        return await self._looked_up(batches.requeued, **span, give_up_after=give_up_after)

    async def note_deferred(self, held: HeldChunk, seqs: list[int]) -> None:
        """Store when a server first deferred messages. Safe to repeat. Raises DatabaseUnavailable."""
        await self._looked_up(batches.note_deferred, occurrence_id=held.attempt.occurrence_id, seqs=seqs)

    async def _looked_up(self, statement: Callable[..., Awaitable[Result]], *args: object, **values: object) -> Result:
        """The result of a statement that may be repeated."""
        async with self._turn:
            conn = await self._open()
            try:
                return await statement(conn, *args, **values)
            except DatabaseUnavailable:
                self.close()
                raise

    async def _happened(self, held: HeldChunk) -> bool:
        """Whether the statement whose answer was lost was committed; from then on it can be no more."""
        if self._in_doubt is not held:
            return False
        steps = await self._check(held)
        happened = (steps - held.steps) % FENCE == 1
        held.steps = steps + FENCE
        self._in_doubt = None
        return happened

    async def _check(self, held: HeldChunk) -> int:
        """Check the claim, and fence it. Raises AttemptSuperseded, LedgerBehind, DatabaseUnavailable."""
        held.locked = True

        def check(conn: Connection) -> int:
            with transaction(conn):
                return check_still_mine(conn, held.attempt, steps=held.steps, old_sessions=self._control.sessions)

        return await self._control.do(check)

    async def _superseded(self, held: HeldChunk) -> None:
        """Find out why a statement found no chunk of this attempt: raises, unless the quota day is over."""
        held.steps = await self._check(held) + FENCE

    async def beat(self, process_id: int, *, rate: float, turned_away: bool, attempt_ids: list[int]) -> int:
        """Report that the process lives (see processes.beat). Raises DatabaseUnavailable."""
        return await self._looked_up(
            processes.beat, process_id, rate=rate, turned_away=turned_away, attempt_ids=attempt_ids
        )
