"""The thread that keeps the ledger while a chunk is sent: it alone talks to PostgreSQL."""

from __future__ import annotations

import heapq
import threading
import time
from typing import TYPE_CHECKING

from ses_ops.domain.message_state import MessageState
from ses_ops.errors import DatabaseUnavailable
from ses_ops.sending.chunk_ledger import ChunkLedger, Marked, Step, Written

if TYPE_CHECKING:
    import asyncio

    from ses_ops.sending.message_feed import MessageFeed
    from ses_ops.transports.port import Transport
    from ses_ops.transports.smtp_settings import SmtpSettings

#: Messages marked ahead of the connections: with those in flight, what a crash can leave in doubt.
AHEAD = 48
#: Outcomes written in one commit at most.
MOST_OUTCOMES = 500
#: Seconds that outcomes wait for company before they are written.
LINGER = 0.003
#: Seconds between two looks at pause, cancel and the number of senders.
LOOK_EVERY = 1.0
#: Seconds after which a temporarily refused message is tried again in the same run; then the next run has it.
RETRY_DELAYS = (2.0, 8.0)
#: Seconds that a lost database may take to come back.
DATABASE_PATIENCE = 120.0


class LedgerThread(threading.Thread):
    """Writes outcomes, marks the next messages, hands them to the feed, and tells the transport when to end."""

    def __init__(
        self,
        ledger: ChunkLedger,
        feed: MessageFeed,
        transport: Transport,
        loop: asyncio.AbstractEventLoop,
        *,
        stop: threading.Event,
        settings: SmtpSettings,
    ) -> None:
        super().__init__(name=f"ledger of chunk {ledger.attempt.chunk_id}", daemon=True)
        self.ledger = ledger
        self.feed = feed
        self.transport = transport
        self.loop = loop
        self.stop_event = stop
        self.rate = settings.max_messages_per_second
        #: What ended the thread, if not the end of the work.
        self.problem: BaseException | None = None
        #: Why sending stopped early (paused, cancelled, the quota day over).
        self.stop_reason: str | None = None
        self.stopped_by_caller = False
        #: The newest temporary refusal.
        self.last_deferral: str | None = None
        self._exhausted = False
        self._retries: list[tuple[float, int, Marked]] = []
        self._retried: dict[int, int] = {}
        self._transport_over = threading.Event()
        self._next_look = 0.0

    def run(self) -> None:
        try:
            self.ledger.load_requeued()
            self._look()
            while not self._finished():
                self._turn()
            self._end_transport("drain")
            self._flush()
        except BaseException as problem:
            self.problem = problem
            self._end_transport("stop")

    def transport_ended(self) -> None:
        """Called by the event loop when the transport will report nothing more."""
        self._transport_over.set()

    def _finished(self) -> bool:
        if self._transport_over.is_set():
            return True
        if self.stop_reason or self.stopped_by_caller:
            return False  # the transport finishes what is in flight and then ends
        return self._exhausted and self.feed.idle and not self._retries and not self.ledger.has_again

    def _turn(self) -> None:
        now = time.monotonic()
        stopping = self._check_stop()
        if not stopping:
            self._bring_retries(now)
        outcomes = self.feed.take_done(MOST_OUTCOMES)
        room = 0 if stopping or not self._more() else AHEAD - len(self.feed.ready)
        if outcomes or room >= AHEAD // 3:
            self._step(outcomes, max(0, room))
        elif now >= self._next_look:
            self._look()
        else:
            time.sleep(LINGER)
            return
        if len(self.feed.done) < AHEAD // 3:
            time.sleep(LINGER)

    def _more(self) -> bool:
        return self.ledger.has_again or not self._exhausted

    def _check_stop(self) -> bool:
        if self.stop_event.is_set() and not self.stopped_by_caller:
            self.stopped_by_caller = True
            self._stop_now()
        return self.stopped_by_caller or self.stop_reason is not None

    def _stop_now(self) -> None:
        """Begin no new message: what is marked and not begun goes back, what is in flight comes to its end."""
        self._end_transport("stop")

    def _bring_retries(self, now: float) -> None:
        due = []
        while self._retries and self._retries[0][0] <= now:
            due.append(heapq.heappop(self._retries)[2])
        if due:
            self.ledger.try_again(due)

    def _step(self, outcomes: list[Written], room: int) -> None:
        step = self._persist(outcomes, room)
        self._exhausted = self._exhausted or step.exhausted
        for entry, message in self.feed.landed(outcomes):
            if entry.state is MessageState.REQUEUED:
                self._deferred(entry, message)
        if step.marked:
            self.feed.ready.extend(step.marked)
            self._call(self.transport.wake)
        if step.stop_reason and not self.stop_reason:
            self.stop_reason = step.stop_reason
            self._stop_now()

    def _persist(self, outcomes: list[Written], room: int) -> Step:
        """One step of the ledger, waiting out a database that is away for a while."""
        give_up_at = time.monotonic() + DATABASE_PATIENCE
        lost = False
        while True:
            try:
                if lost:
                    step = self.ledger.reconnect()
                    if step is not None:
                        return step
                return self.ledger.step(outcomes, limit=room)
            except DatabaseUnavailable:
                if time.monotonic() > give_up_at:
                    raise
                lost = True
                time.sleep(0.5)

    def _deferred(self, entry: Written, message: Marked) -> None:
        self.last_deferral = f"{entry.code or ''} {entry.text}".strip()
        count = self._retried.get(entry.seq, 0)
        if count < len(RETRY_DELAYS) and not (self.stop_reason or self.stopped_by_caller):
            self._retried[entry.seq] = count + 1
            delay = RETRY_DELAYS[count] if entry.code else 0.2 * (count + 1)
            heapq.heappush(self._retries, (time.monotonic() + delay, entry.seq, message))

    def _look(self) -> None:
        """Every second: say that we live, share the rate with the others, notice a pause while nothing moves."""
        self._next_look = time.monotonic() + LOOK_EVERY
        try:
            senders = self.ledger.heartbeat()
        except DatabaseUnavailable:
            return  # the next step waits for it
        if self.rate:
            self._call(self.transport.set_rate, self.rate / senders)
        self._step([], 0)

    def _flush(self) -> None:
        """The transport has ended or will: write what it still reports, give back what it never took."""
        while not self._transport_over.wait(0.002):
            self._write_done()
        self._write_done()
        given = self.feed.give_back(self.stop_reason or "not begun")
        while given:
            self._step(given[:MOST_OUTCOMES], 0)
            given = given[MOST_OUTCOMES:]

    def _write_done(self) -> None:
        while outcomes := self.feed.take_done(MOST_OUTCOMES):
            self._step(outcomes, 0)

    def _end_transport(self, how: str) -> None:
        self._call(getattr(self.transport, how))

    def _call(self, function, *arguments) -> None:  # type: ignore[no-untyped-def]
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(function, *arguments)
