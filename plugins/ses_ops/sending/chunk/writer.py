"""Keeps the ledger while a chunk is sent, in the same event loop: marks messages, writes their outcomes."""

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
    from ses_ops.sending.chunk.ledger import ChunkLedger, Step
    from ses_ops.storage.ledger.batches import Marked, Written
    from ses_ops.transports.port import Transport
    from ses_ops.transports.smtp.settings import SmtpSettings

#: Messages marked without an outcome in the ledger: what a lost machine leaves in doubt at most. With a journal a
#: process that dies leaves no more than its connections; without one, all that was marked.
MOST_MARKED = 256
MOST_MARKED_WITHOUT_JOURNAL = 100
#: Fewer for a slow sender: so many for each connection and what it sends in the time of a few commits (seconds), and no
#: more than the rate limit lets out in so many seconds.
MARKED_A_CONNECTION = 5
MARKED_TIME = 0.02
MARKED_TIME_OF_LIMIT = 2.0
#: Outcomes, or room for others, that are worth a commit.
BATCH = 64
#: Outcomes written in one commit at most.
MOST_OUTCOMES = 500
#: Messages that are tried again at once while there are new ones: those who are always put off must not come before all
#: others in every run, nor after all others.
AGAIN_AT_ONCE = 16
#: Seconds that outcomes wait for company before they are written; and under a rate limit, where nobody waits for room.
LINGER = 0.003
RATE_LIMITED_LINGER = 0.03
#: Seconds between two looks around while nothing happens.
PAUSE = 0.01
#: Seconds between two looks at pause, cancel and the number of senders.
LOOK_EVERY = 1.0
#: Seconds in which all senders have looked, and so share the rate with one that has just begun.
ALL_HAVE_LOOKED = 1.2 * LOOK_EVERY
#: Seconds that a lost database may take to come back.
DATABASE_PATIENCE = 120.0


class LedgerKeeper:
    """One chunk's. `transport_ended` must be called when the transport will report nothing more."""

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
        #: Outcomes written since the last look.
        self._written = 0
        #: No message before this moment.
        self._begin_at = 0.0
        #: Why sending stopped early (paused, cancelled, the quota day over).
        self.stop_reason: str | None = None
        self.stopped_by_caller = False
        #: What a person must see before more is sent.
        self.problem: TooManyUnknownUsers | None = None
        self._give_up_after = settings.give_up_after
        self.deferrals = Deferrals(settings.give_up_after)
        self._exhausted = False
        #: Messages to be tried again now.
        self._again: list[Marked] = []
        self._transport_over = False
        self._next_look = 0.0
        self._waiter: asyncio.Future[None] | None = None
        feed.on_batch = self._awake
        feed.hard_bounces = HardBounces(wanted=settings.suppress_hard_bounces, most_share=settings.most_unknown_users)
        self._bound_marks(self._rate, 0)

    async def run(self) -> None:
        """Until every message has its outcome in the ledger or is given back, and the transport has ended."""
        self._again, self.deferrals.overdue = await self._ledger.requeued(self._give_up_after)
        if await self._look() > 1 and self._rate:
            # The others still have their old shares of it.
            self._begin_at = time.monotonic() + ALL_HAVE_LOOKED
        while not self._finished():
            await self._turn()
        self._transport.drain()
        await self._flush()

    def transport_ended(self) -> None:
        """The transport will report nothing more."""
        self._transport_over = True
        self._awake()

    def _finished(self) -> bool:
        if self._transport_over:
            return True
        if self._stopping:
            return False  # the transport finishes what is in flight and then ends
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
            await self._mark_again(room if self._exhausted else min(room, AGAIN_AT_ONCE))
            room = self._room()
        outcomes = self._outcomes()
        # Their places are free for others once they are written, which the same commit does.
        room = 0 if self._exhausted or self._stopping or self._put_off_first else room + len(outcomes)
        places = self._places()
        room = min(room, places)
        if outcomes or room >= min(self._batch, places) > 0:
            await self._step(outcomes, max(0, room))
        self._stop_without_places()
        if now >= self._next_look:
            await self._look()
        await self._rest()

    def _room(self) -> int:
        """Messages that may be marked now."""
        return min(self._most_marked - self._feed.marked, self._places())

    def _places(self) -> int:
        """Messages that may be marked besides: more than are left of the chunk, unless doubts have used up the day."""
        return self._ledger.places - self._feed.marked

    def _stop_without_places(self) -> None:
        """What is left waits for the quota of another day."""
        if self._feed.idle and self._places() <= 0 and not (self._stopping or self._nothing_left):
            self._halt(reason=Explanation("quota_used_up_by_doubt").sentence)

    def _halt(self, *, reason: str) -> None:
        self.stop_reason = self.stop_reason or reason
        self._transport.stop()

    @property
    def _nothing_left(self) -> bool:
        return self._exhausted and not self.deferrals and not self._again

    @property
    def _put_off_first(self) -> bool:
        """A server that puts off most of its mail is offered nothing new before it took or refused that."""
        return self._transport.slowed_to is not None and bool(self._again or self.deferrals)

    async def _rest(self) -> None:
        """Until a batch of outcomes is there, or a moment has gone."""
        if len(self._feed.done) >= self._batch:
            return
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        alarm = loop.call_later(self._linger if self._feed.in_flight else PAUSE, self._awake)
        await self._waiter
        alarm.cancel()

    def _awake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _step(self, outcomes: list[Written], room: int) -> None:
        if bounces := self._feed.hard_bounces:
            bounces.count_in(outcomes, accepted_before=self._ledger.counts["sent"])
        step = await self._persist(outcomes, room)
        self._exhausted = self._exhausted or step.exhausted
        self._written += len(outcomes)
        if put_off := self._feed.landed(outcomes):
            await self._put_off(put_off)
        if step.marked:
            self._feed.ready.extend(step.marked)
            self._transport.wake()
        if step.stop_reason and not self.stop_reason:
            self._halt(reason=step.stop_reason)
        if bounces and bounces.too_many and self.problem is None:
            self.problem = TooManyUnknownUsers(unknown=bounces.count, of=bounces.count + bounces.accepted)
            self._halt(reason=self.problem.sentence)

    async def _persist(self, outcomes: list[Written], room: int) -> Step:
        """One step of the ledger, waiting out a database that is away for a while."""
        give_up_at = time.monotonic() + DATABASE_PATIENCE
        lost = False
        doubts = self._feed.take_doubts(outcomes)
        while True:
            try:
                if lost and (step := await self._ledger.recover_step(outcomes)) is not None:
                    return step
                lost = False
                # Before their outcomes, and safe to repeat: a crash in between loses none of both.
                bounces = self._feed.hard_bounces
                if bounces and (believed := bounces.believed(last=self._transport_over)):
                    await self._ledger.suppress(believed)
                    bounces.landed(believed)
                if doubts:
                    await self._ledger.charge_doubt(doubts)
                    doubts, room = 0, min(room, max(0, self._places()))
                return await self._ledger.step(outcomes, limit=room)
            except DatabaseUnavailable:
                if time.monotonic() > give_up_at:
                    raise
            lost = True
            await asyncio.sleep(0.5)

    async def _mark_again(self, room: int) -> None:
        """The same for messages that are tried again."""
        messages = self._again[:room]
        give_up_at = time.monotonic() + DATABASE_PATIENCE
        lost = False
        while True:
            try:
                marked = await self._ledger.recover_again(messages) if lost else None
                lost = False
                if marked is None:
                    marked = await self._ledger.mark_again(messages)
                break
            except DatabaseUnavailable:
                if time.monotonic() > give_up_at:
                    raise
            lost = True
            await asyncio.sleep(0.5)
        del self._again[: len(messages)]
        self._feed.ready.extend(marked)
        self._transport.wake()

    def _outcomes(self) -> list[Written]:
        return self.deferrals.judge(self._feed.take_done(MOST_OUTCOMES))

    async def _put_off(self, requeued: list[tuple[Written, Marked]]) -> None:
        for entry, message in requeued:
            self.deferrals.put_off(entry, message, now=time.monotonic())
        if seqs := [entry.seq for entry, _ in requeued if entry.code]:
            # After the outcomes and not with them: if it gets lost, the days begin with the next refusal.
            with suppress(DatabaseUnavailable):
                await self._ledger.note_deferred(seqs)

    async def _look(self) -> int:
        """Every second: say that we live, share the rate with the others, notice a pause while nothing moves.

        Returns how many senders are alive, this one included.
        """
        self._next_look = time.monotonic() + LOOK_EVERY
        try:
            before = feed_clock()
            senders, seconds_left = await self._ledger.heartbeat()
            self._feed.day_ends = before + seconds_left
        except DatabaseUnavailable:
            # Not left to the next outcome: while none comes, nobody would see a pause or the end of the day.
            await self._step([], 0)
            return 1
        share = self._rate and self._rate / senders
        if share:
            self._transport.set_rate(share)
        slowed_to = self._transport.slowed_to
        self._bound_marks(min(share or slowed_to, slowed_to) if slowed_to else share, self._written)
        self._written = 0
        await self._step([], 0)
        return senders

    def _bound_marks(self, share: float | None, in_last_second: int) -> None:
        """How many messages may be marked: no more than keeps a sender of this speed busy."""
        most = min(self._ceiling, self._for_connections + int(MARKED_TIME * in_last_second))
        self._most_marked = most if share is None else min(most, max(1, int(MARKED_TIME_OF_LIMIT * share)))
        self._batch = self._feed.batch = max(1, min(BATCH, self._most_marked // 3))

    async def _flush(self) -> None:
        """The transport has ended or will: write what it still reports, give back what it never took."""
        while not self._transport_over:
            await self._write_done()
            await self._rest()
        await self._write_done()
        given = self._feed.give_back(self.stop_reason or str(Explanation("stopped_before_it_was_begun")))
        while given:
            await self._step(given[:MOST_OUTCOMES], 0)
            given = given[MOST_OUTCOMES:]
        if self._feed.hard_bounces:
            await self._step([], 0)  # no more answers come: those of a short chunk are believed now

    async def _write_done(self) -> None:
        while outcomes := self._outcomes():
            await self._step(outcomes, 0)
