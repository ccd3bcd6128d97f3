"""The writer of the ledger while a chunk is sent: marks messages, writes outcomes.

It runs in the event loop of the transport.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ses_ops.errors import DatabaseUnavailable, Explanation, TooManyUnknownUsers
from ses_ops.sending.chunk.deferred import Deferrals
from ses_ops.sending.chunk.feed import feed_clock
from ses_ops.sending.chunk.hard_bounces import HardBounces

if TYPE_CHECKING:
    import threading

    from ses_ops.sending.chunk.feed import MessageFeed
    from ses_ops.sending.chunk.ledger import BatchResult, ChunkLedger
    from ses_ops.storage.ledger.batches import Marked, Written
    from ses_ops.transports.port import Transport
    from ses_ops.transports.smtp.settings import SmtpSettings

#: Largest number of messages marked without an outcome in the ledger: the number that a lost machine leaves in doubt.
#: With a journal a process that dies leaves in doubt at most one a connection; without a journal, all marked ones.
MOST_MARKED = 256
MOST_MARKED_WITHOUT_JOURNAL = 100
#: The bound for a slow sender: marked messages a connection, and those of the seconds of a few commits; with a rate
#: limit at most the messages of MARKED_TIME_OF_LIMIT seconds.
MARKED_A_CONNECTION = 5
MARKED_TIME = 0.02
MARKED_TIME_OF_LIMIT = 2.0
#: Number of outcomes, or of free places, that are worth a commit.
BATCH = 64
#: Largest number of outcomes in one commit.
MOST_OUTCOMES = 500
#: Largest number of messages that are retried at a time while there are new ones: recipients who are always deferred
#: must not come before all others in every run, nor after all others.
RETRIES_AT_ONCE = 16
#: Seconds that outcomes wait for more outcomes before they are written; then the same under a rate limit, where no
#: connection waits for free places.
LINGER = 0.003
RATE_LIMITED_LINGER = 0.03
#: Seconds between two turns while nothing happens.
PAUSE = 0.01
#: Seconds between two heartbeats, which also read pause, cancellation and the number of senders.
HEARTBEAT_EVERY = 1.0
#: Seconds after which every sender has had a heartbeat, and so shares the rate with a sender that has just begun.
RATE_SHARED_AFTER = 1.2 * HEARTBEAT_EVERY
#: The part of a rate limit that bulk mail has even when single messages use all of it.
LEAST_PART = 0.1
#: Seconds for which an unavailable database is waited for.
DATABASE_TIMEOUT = 120.0


class LedgerWriter:
    """The writer of one chunk. `transport_ended` must be called when the transport will report no more outcomes."""

    def __init__(
        self,
        ledger: ChunkLedger,
        feed: MessageFeed,
        transport: Transport,
        *,
        stop: threading.Event,
        settings: SmtpSettings,
    ) -> None:
        self._ledger = ledger
        self._feed = feed
        self._transport = transport
        self._stop = stop
        self._rate = settings.max_messages_per_second
        self._linger = RATE_LIMITED_LINGER if self._rate else LINGER
        self._ceiling = MOST_MARKED if feed.has_journal else MOST_MARKED_WITHOUT_JOURNAL
        self._for_connections = max(MARKED_A_CONNECTION * settings.connections, 4 * MARKED_A_CONNECTION)
        #: Number of outcomes written since the last heartbeat.
        self._written = 0
        #: The moment before which no message is marked.
        self._begin_at = 0.0
        #: Why sending stopped early: paused, cancelled, or the quota day is over.
        self.stop_reason: str | None = None
        self.stopped_by_caller = False
        #: The error that a person must see before more is sent.
        self.problem: TooManyUnknownUsers | None = None
        self._give_up_after = settings.give_up_after
        self.deferrals = Deferrals(settings.give_up_after)
        self._exhausted = False
        #: Messages to be retried now.
        self._again: list[Marked] = []
        self._transport_over = False
        self._next_heartbeat = 0.0
        self._waiter: asyncio.Future[None] | None = None
        feed.on_batch = self._awake
        feed.hard_bounces = HardBounces(wanted=settings.suppress_hard_bounces, most_share=settings.most_unknown_users)
        self._bound_marks(self._rate, 0)

    async def run(self) -> None:
        """Run until every message has its outcome in the ledger or is requeued, and the transport has ended."""
        self._again, self.deferrals.overdue = await self._ledger.requeued(self._give_up_after)
        if await self._heartbeat() > 1 and self._rate:
            # The other senders still use their old shares of the rate.
            self._begin_at = time.monotonic() + RATE_SHARED_AFTER
        while not self._finished():
            await self._turn()
        self._transport.drain()
        await self._flush()

    def transport_ended(self) -> None:
        """Note that the transport will report no more outcomes."""
        self._transport_over = True
        self._awake()

    def _finished(self) -> bool:
        if self._transport_over:
            return True
        if self._stopping:
            return False  # the transport finishes the messages in flight and then ends
        return self._feed.idle and self._nothing_left

    @property
    def _stopping(self) -> bool:
        return self.stopped_by_caller or self.stop_reason is not None

    async def _turn(self) -> None:
        if self._stop.is_set() and not self.stopped_by_caller:
            self.stopped_by_caller = True
            self._transport.stop()
        now = time.monotonic()
        room = 0 if self._stopping or now < self._begin_at else self._room()
        self._again += self.deferrals.due(now)
        if self._again and room > 0:
            await self._mark_again(room if self._exhausted else min(room, RETRIES_AT_ONCE))
            room = self._room()
        outcomes = self._outcomes()
        # The places of these outcomes are free for other messages once they are written, which the same commit does.
        room = 0 if self._exhausted or self._stopping or self._deferred_first else room + len(outcomes)
        places = self._places()
        room = min(room, places)
        if outcomes or room >= min(self._batch, places) > 0:
            await self._step(outcomes, max(0, room))
        self._stop_without_places()
        if now >= self._next_heartbeat:
            await self._heartbeat()
        await self._rest()

    def _room(self) -> int:
        """Number of messages that may be marked now."""
        return min(self._most_marked - self._feed.marked, self._places())

    def _places(self) -> int:
        """Number of places for more messages: enough for the rest of the chunk, unless doubts have used up the day."""
        return self._ledger.places - self._feed.marked

    def _stop_without_places(self) -> None:
        """Stop when no place is left: the other messages wait for the quota of another day."""
        if self._feed.idle and self._places() <= 0 and not (self._stopping or self._nothing_left):
            self._halt(reason=Explanation("quota_used_up_by_doubt").sentence)

    def _halt(self, *, reason: str) -> None:
        self.stop_reason = self.stop_reason or reason
        self._transport.stop()

    @property
    def _nothing_left(self) -> bool:
        return self._exhausted and not self.deferrals and not self._again

    @property
    def _deferred_first(self) -> bool:
        """Whether only retries are sent: a server that defers most of the mail gets no new message before them."""
        return self._transport.slowed_to is not None and bool(self._again or self.deferrals)

    async def _rest(self) -> None:
        """Wait for a batch of outcomes, or for a moment."""
        if len(self._feed.done) >= self._batch:
            return
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(self._linger if self._feed.in_flight else PAUSE, self._awake)
        await self._waiter
        timer.cancel()

    def _awake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _step(self, outcomes: list[Written], room: int) -> None:
        if bounces := self._feed.hard_bounces:
            bounces.count_in(outcomes, accepted_before=self._ledger.counts["sent"])
        step = await self._persist(outcomes, room)
        self._exhausted = self._exhausted or step.exhausted
        self._written += len(outcomes)
        if deferred := self._feed.confirm(outcomes):
            await self._defer(deferred)
        if step.marked:
            self._feed.ready.extend(step.marked)
            self._transport.wake()
        if step.stop_reason and not self.stop_reason:
            self._halt(reason=step.stop_reason)
        if bounces and bounces.too_many and self.problem is None:
            self.problem = TooManyUnknownUsers(unknown=bounces.count, of=bounces.count + bounces.accepted)
            self._halt(reason=self.problem.sentence)

    async def _persist(self, outcomes: list[Written], room: int) -> BatchResult:
        """Write one step of the ledger; an unavailable database is waited for."""
        deadline = time.monotonic() + DATABASE_TIMEOUT
        lost = False
        doubts = self._feed.take_doubts(outcomes)
        while True:
            try:
                if lost and (step := await self._ledger.recover_step(outcomes)) is not None:
                    return step
                lost = False
                # Suppressions are written before the outcomes, and are safe to repeat: a crash in between loses
                # neither.
                bounces = self._feed.hard_bounces
                if bounces and (believed := bounces.believed(last=self._transport_over)):
                    await self._ledger.suppress(believed)
                    bounces.confirm(believed)
                if doubts:
                    await self._ledger.charge_doubt(doubts)
                    doubts, room = 0, min(room, max(0, self._places()))
                return await self._ledger.step(outcomes, limit=room)
            except DatabaseUnavailable:
                if time.monotonic() > deadline:
                    raise
            lost = True
            await asyncio.sleep(0.5)

    async def _mark_again(self, room: int) -> None:
        """Mark messages that are retried; an unavailable database is waited for."""
        messages = self._again[:room]
        deadline = time.monotonic() + DATABASE_TIMEOUT
        lost = False
        while True:
            try:
                marked = await self._ledger.recover_again(messages) if lost else None
                lost = False
                if marked is None:
                    marked = await self._ledger.mark_again(messages)
                break
            except DatabaseUnavailable:
                if time.monotonic() > deadline:
                    raise
            lost = True
            await asyncio.sleep(0.5)
        del self._again[: len(messages)]
        self._feed.ready.extend(marked)
        self._transport.wake()

    def _outcomes(self) -> list[Written]:
        return self.deferrals.judge(self._feed.take_done(MOST_OUTCOMES))

    async def _defer(self, requeued: list[tuple[Written, Marked]]) -> None:
        for entry, message in requeued:
            self.deferrals.defer(entry, message, now=time.monotonic())
        if seqs := [entry.seq for entry, _ in requeued if entry.code]:
            # The moments are stored after the outcomes: if that gets lost, the time begins with the next deferral.
            with suppress(DatabaseUnavailable):
                await self._ledger.note_deferred(seqs)

    async def _heartbeat(self) -> int:
        """Send a heartbeat, share the rate with the other senders, and notice a pause even while no outcome comes.

        Returns the number of living senders, with this one.
        """
        self._next_heartbeat = time.monotonic() + HEARTBEAT_EVERY
        try:
            before = feed_clock()
            senders, seconds_left, single_rate, room_wanted = await self._ledger.heartbeat()
            self._feed.day_ends = before + seconds_left
        except DatabaseUnavailable:
            # A step here waits for the database: without outcomes a pause or the end of the day would not be noticed.
            await self._step([], 0)
            return 1
        if room_wanted:
            self._transport.leave_room()
        share = self._rate and max(self._rate - single_rate, LEAST_PART * self._rate) / senders
        if share:
            self._transport.set_rate(share)
        slowed_to = self._transport.slowed_to
        self._bound_marks(min(share or slowed_to, slowed_to) if slowed_to else share, self._written)
        self._written = 0
        await self._step([], 0)
        return senders

    def _bound_marks(self, share: float | None, in_last_second: int) -> None:
        """Set the largest number of marked messages: enough to keep a sender of this speed busy."""
        most = min(self._ceiling, self._for_connections + int(MARKED_TIME * in_last_second))
        self._most_marked = most if share is None else min(most, max(1, int(MARKED_TIME_OF_LIMIT * share)))
        self._batch = self._feed.batch = max(1, min(BATCH, self._most_marked // 3))

    async def _flush(self) -> None:
        """Write the last outcomes of the transport, then requeue the messages that it never took."""
        while not self._transport_over:
            await self._write_done()
            await self._rest()
        await self._write_done()
        given = self._feed.give_back(self.stop_reason or str(Explanation("stopped_before_it_was_begun")))
        while given:
            await self._step(given[:MOST_OUTCOMES], 0)
            given = given[MOST_OUTCOMES:]
        if self._feed.hard_bounces:
            await self._step([], 0)  # no more replies come, so those of a short chunk are believed now

    async def _write_done(self) -> None:
        while outcomes := self._outcomes():
            await self._step(outcomes, 0)
