"""The duties of a sender of single messages besides sending: heartbeats, closing, other tries, and dead processes."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from ses_ops.errors import AttemptSuperseded, DatabaseUnavailable, Explanation, LedgerRestored, NewerSchema
from ses_ops.sending.chunk.claim import settle_from_journal
from ses_ops.sending.chunk.feed import feed_clock
from ses_ops.sending.home import check_home
from ses_ops.sending.release import Ending
from ses_ops.sending.single.closing import close_chunk, release_dead
from ses_ops.sending.single.held import Waiting
from ses_ops.sending.single.open_chunk import CLOSED_AFTER
from ses_ops.sending.single.recorder import MOST_MARKED
from ses_ops.sending.single.retry import DueChunks
from ses_ops.sending.single.take_over import DeadProcesses
from ses_ops.storage.connection import transaction
from ses_ops.storage.ledger import chunk_locks
from ses_ops.transports.errors import MailDeferred, MailRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.warmup import QuotaPlans
    from ses_ops.sending.chunk.claim import Attempt
    from ses_ops.sending.single.control import Control
    from ses_ops.sending.single.held import HeldChunk
    from ses_ops.sending.single.ledger import SingleLedger
    from ses_ops.sending.single.open_chunk import OpenChunks
    from ses_ops.sending.single.recorder import Recorder
    from ses_ops.sending.single.work import Work

_log = logging.getLogger(__name__)

#: Seconds between two looks at the chunks, two heartbeats, and two looks for what is due and who is dead.
LOOK_EVERY, BEAT_EVERY, DUE_EVERY = 0.1, 1.0, 1.0
#: The time after which messages are due again that left no process because the relay was unavailable.
DUE_WITHOUT_RELAY = timedelta(seconds=10)


class Duties:
    """The rest of the work. It belongs to the event loop."""

    def __init__(
        self,
        work: Work,
        ledger: SingleLedger,
        recorder: Recorder,
        control: Control,
        open_chunks: OpenChunks,
        plans: Callable[[], QuotaPlans],
    ) -> None:
        self._work = work
        self._ledger = ledger
        self._recorder = recorder
        self._control = control
        self._open_chunks = open_chunks
        self._plans = plans
        self._dead = DeadProcesses()
        self._due = DueChunks()
        self._begun_before = (time.monotonic(), 0)
        #: Number of living processes, this one included.
        self.living = 1
        #: Whether the newest look found nothing that is due.
        self.nothing_due = False
        #: Why the newest heartbeat could not be written; None where it was.
        self.problem: DatabaseUnavailable | None = None

    async def run(self) -> None:
        """Do them until cancelled."""
        await asyncio.gather(
            self._every(BEAT_EVERY, self._beat),
            self._every(LOOK_EVERY, self.close_what_is_over),
            self._every(DUE_EVERY, self._look),
        )

    async def _every(self, seconds: float, duty: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await duty()
            except (DatabaseUnavailable, LedgerRestored, NewerSchema) as problem:
                _log.warning("single messages: %s", problem)
            except Exception:  # a bug of one duty must not end it for ever
                _log.exception("a duty of the sender of single messages failed")
            await asyncio.sleep(seconds)

    # --- signs of life

    async def _beat(self) -> None:
        """Send a heartbeat, and share a rate limit with the other processes."""
        process = self._control.process
        assert process is not None
        self._look_at_relay()
        now, begun = time.monotonic(), self._work.feed.begun
        before, begun_before = self._begun_before
        self._begun_before = (now, begun)
        rate = (begun - begun_before) / max(0.001, now - before)
        attempt_ids = [held.attempt.id for held in self._work.held.values() if not held.lost]
        transport = self._work.transport
        turned_away = transport is not None and transport.turned_away
        try:
            alive = await self._ledger.beat(process.id, rate=rate, turned_away=turned_away, attempt_ids=attempt_ids)
        except DatabaseUnavailable as problem:
            self.problem = problem
            raise
        self.living, self.problem = alive, None
        if not self.living:
            await self._begin_anew()
        settings, transport = self._work.settings, self._work.transport
        if settings is not None and transport is not None and settings.max_messages_per_second is not None:
            transport.set_rate(settings.max_messages_per_second / max(1, self.living))

    def _look_at_relay(self) -> None:
        work = self._work
        work.relay.look(waited_for=bool(work.feed.under_way or work.feed.ready))
        refuses_mail = isinstance(work.relay.problem, MailRefused | MailDeferred)
        if work.transport is not None and work.transport.connected and not refuses_mail:
            work.relay.connected()

    async def _begin_anew(self) -> None:
        """Go on as another process, because this one was taken for dead: others have its chunks, or will."""
        problem = AttemptSuperseded("taken_for_dead")
        for held in self._work.held.values():
            self._work.lose(held, problem)
        self._open_chunks.renew(await self._control.do(lambda _: self._control.begin()))

    # --- closing

    async def close_what_is_over(self) -> None:
        """Close the chunks in which nothing is under way and into which nothing more comes."""
        for chunk in self._open_chunks.all():
            if chunk.attempt.chunk_id not in self._work.held:
                self._work.hold_open(chunk)
        for held in list(self._work.held.values()):
            if self._is_over(held):
                await self._close(held)

    def _is_over(self, held: HeldChunk) -> bool:
        if held.in_hand:
            return False
        work, chunk = self._work, held.open
        under_way = any(message.held is held for message in work.feed.under_way.values())
        if held.lost:
            return not under_way and (chunk is None or self._open_chunks.seal(chunk))
        day_over = feed_clock() >= held.day_ends
        if chunk is not None and not chunk.sealed:
            filled = chunk.last_seq >= chunk.attempt.first_seq
            old = filled and time.monotonic() - chunk.opened_at >= CLOSED_AFTER
            if not (old or day_over or work.stopping) or not self._open_chunks.seal(chunk):
                return False
        if under_way or held.marked or held.done or not held.all_given:
            return False
        return not held.waiting or work.stopping or day_over or not work.relay.there

    async def _close(self, held: HeldChunk) -> None:
        attempt, held.over = held.attempt, True
        if held.journal is not None:
            held.journal.close(keep=True)
            held.journal = None
        try:
            await self._control.do(partial(_lose if held.lost else _end, held, *self._ending(held)))
        except AttemptSuperseded as problem:
            _log.warning("chunk %s of single messages: %s", attempt.chunk_id, problem)
        # With the database away this is tried again, as the chunk is still held.
        del self._work.held[attempt.chunk_id]
        if held.open is not None:
            self._open_chunks.closed(held.open)

    def _ending(self, held: HeldChunk) -> tuple[Ending, timedelta | None]:
        """Why messages of a chunk are left, and the time after which they are due where the reason does not say it."""
        if words := held.deferrals.last_words:
            return Ending(reason=words, backoff=True), None
        if self._work.stopping:
            return Ending(reason=Explanation("stopped_before_it_was_begun").sentence, backoff=False), None
        if (problem := self._work.relay.problem) is not None:
            return Ending(reason=problem.sentence, backoff=False), DUE_WITHOUT_RELAY
        if feed_clock() >= held.day_ends:
            return Ending(reason=Explanation("quota_day_ended").sentence, backoff=False), None
        # In an open chunk these are of a lost commit. One that was claimed must not be claimed again and again.
        return Ending(reason=Explanation("messages_left").sentence, backoff=held.open is None), None

    # --- what is due, and who is dead

    async def _look(self) -> None:
        if self._work.stopping:
            return
        process = self._control.process
        assert process is not None
        await self._control.do(check_home)
        take_over = partial(self._dead.take_over, now=time.monotonic(), besides=process.id)
        if taken := await self._control.do(take_over):
            _log.warning("%s chunks of dead processes were taken over", taken)
        await self._claim_due()

    async def _claim_due(self) -> None:
        work, process = self._work, self._control.process
        assert process is not None
        busy = work.marked() + work.waiting()
        if not work.relay.running or busy > (MOST_MARKED if work.relay.there else 0):
            return
        plans = self._plans()
        claimed = await self._control.do(partial(self._due.claim, process=process, plans=plans))
        self.nothing_due = not claimed
        for attempt, seconds_left in claimed:
            try:
                await self._send_again(attempt, seconds_left)
            except Exception:  # it is closed, and due again; the others are claimed as well, and must not be forgotten
                _log.exception("chunk %s of single messages cannot be read", attempt.chunk_id)

    async def _send_again(self, attempt: Attempt, seconds_left: float) -> None:
        """Hold a claimed chunk, whose messages that are not tried yet wait for their mark."""
        held = self._work.hold_claimed(attempt, seconds_left)
        try:
            found, overdue = await self._recorder.insist(lambda: self._ledger.requeued(held, self._work.give_up_after))
            held.deferrals.overdue = overdue
            for one in found:
                held.wait(Waiting(held, one.seq, one.address, 0, None, one.retried), 0.0)
        finally:
            held.in_hand -= 1
        self._recorder.wake()


def _end(held: HeldChunk, ending: Ending, due_in: timedelta | None, conn: Connection) -> None:
    try:
        close_chunk(conn, held.attempt, ending, due_in=due_in)
    finally:
        _unlock(held, conn)


def _lose(held: HeldChunk, ending: Ending, _: timedelta | None, conn: Connection) -> None:
    """Settle what the database has lost by the journal, which is closed; else another attempt does it."""
    try:
        if held.behind:
            settle_from_journal(conn, held.attempt)
            release_dead(conn, held.attempt.chunk_id, run_id=held.attempt.run_id, ending=ending)
    finally:
        _unlock(held, conn)


def _unlock(held: HeldChunk, conn: Connection) -> None:
    if held.locked and not conn.closed:
        with transaction(conn):
            chunk_locks.unlock(conn, chunk_id=held.attempt.chunk_id)
        held.locked = False
