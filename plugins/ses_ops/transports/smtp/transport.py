"""The SMTP transport: a pool of connections that pull envelopes from one feed.

Connections are opened as work demands: an envelope that no connection is free for is *staged*, and for each staged
envelope one connection is being opened, up to the limit. The connection that is free first takes the envelope.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from ses_ops.errors import Explanation, TransportUnavailable
from ses_ops.transports.errors import ConnectionFailed, SetupRefused
from ses_ops.transports.flow.backoff import Backoff
from ses_ops.transports.flow.pace import Pace
from ses_ops.transports.flow.server_health import ServerHealth
from ses_ops.transports.flow.throttle import Throttle
from ses_ops.transports.flow.timers import AwakeClock, CoalescingTimer
from ses_ops.transports.port import Delivery, Envelope, Feed, Outcome
from ses_ops.transports.smtp.connection import MailConnection
from ses_ops.transports.smtp.pool import OPENING_AT_ONCE, QUIT_TIMEOUT, RetryBudgets, RetryCost
from ses_ops.transports.smtp.server_limits import ServerLimits
from ses_ops.transports.smtp.session import SessionOpener
from ses_ops.transports.smtp.settings import SmtpSettings

_log = logging.getLogger(__name__)

_SENT = Delivery.SENT


class SmtpTransport:
    """Sends what a feed gives (see port.Transport). One transport serves one `run`."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._pace = Pace(settings.max_messages_per_second)
        self._opener = SessionOpener(settings)
        self._backoff = Backoff(settings)
        self._throttle = Throttle(self._pace, settings.max_messages_per_second)
        self._health = ServerHealth(settings.address, self._backoff, self._throttle)
        self._limits = ServerLimits(settings.address, settings.pipelining, settings.messages_per_connection)
        self._feed: Feed
        self._loop: asyncio.AbstractEventLoop
        self._connections: set[MailConnection] = set()
        self._idle: list[MailConnection] = []
        self._opening: set[asyncio.Task[None]] = set()
        self._staged: deque[Envelope] = deque()
        self._budgets = RetryBudgets()
        #: Whether the feed had no envelope when it was asked last; `wake` says that it may have one again.
        self._feed_is_empty = False
        self._draining = False
        self._stopping = False
        self._error: Exception | None = None
        self._finished: asyncio.Future[None] | None = None
        self._all_gone: asyncio.Future[None] | None = None
        self._timer = CoalescingTimer(self._pump)
        self._ticker: asyncio.TimerHandle | None = None
        self._clock = AwakeClock()

    # --- what the caller uses

    async def run(self, feed: Feed) -> None:
        """Send until drained or stopped. Raises TransportUnavailable; all envelopes taken have an outcome by then."""
        self._feed = feed
        self._loop = asyncio.get_running_loop()
        self._finished = self._loop.create_future()
        self._timer.start(self._loop)
        self._tick()
        self._timer.soon()
        try:
            await self._finished
            await self._quit_all()
        finally:
            self._abandon_all()
        if self._error is not None:
            raise self._error

    def wake(self) -> None:
        """The feed may have envelopes again."""
        self._timer.soon()

    def drain(self) -> None:
        """No more envelopes will come: finish as soon as the feed gives None."""
        self._draining = True
        self._timer.soon()

    def stop(self) -> None:
        """Take no new envelope; finish those whose dialogue has begun, defer the others."""
        self._stopping = True
        self._timer.soon()

    def set_rate(self, messages_per_second: float | None) -> None:
        """Begin at most `messages_per_second` from now on; None: no limit."""
        self._throttle.ask_for(messages_per_second)
        self._timer.soon()

    @property
    def slowed_to(self) -> float | None:
        """Messages a second while the server defers most of the mail; None while it does not."""
        return self._throttle.limit

    def leave_room(self) -> None:
        """Give a connection to others who need one; not the last, and not below half of those that there were."""
        if self._backoff.lowered(established=len(self._connections) - 1, now=self._loop.time()):
            (self._idle[-1] if self._idle else next(iter(self._connections))).retire()
            self._timer.soon()

    # --- what the connections use (pool.Pool)

    @property
    def ever_accepted(self) -> bool:
        """Whether the server has taken any message in this run."""
        return self._health.ever_accepted

    def take(self) -> Envelope | None:
        """The next envelope: a staged one, or else one of the feed if the pace allows it now."""
        if self._stopping:
            return None
        if not self._pace.unlimited:
            delay = self._pace.delay(self._loop.time())
            if delay > 0:
                self._timer.after(delay)
                return None
        envelope = self._staged.popleft() if self._staged else self._next_of_feed()
        if envelope is not None and not self._pace.unlimited:
            self._pace.take(self._loop.time())
        return envelope

    def content_begins(self, envelope: Envelope) -> None:
        """Pass on that the content is written next: from then on the server may have the message."""
        self._feed.content_begins(envelope)

    def replied(self, envelope: Envelope, outcome: Outcome) -> None:
        """Judge the server by this outcome, and hand the outcome on."""
        judged = self._health.unimpaired and outcome[0] is _SENT
        if not judged and (error := self._health.add(envelope, outcome, now=self._loop.time())) is not None:
            self.end_run(error)
        self._report(envelope, outcome)

    def dropped(self, envelope: Envelope, outcome: Outcome, *, cost: RetryCost) -> None:
        """Retry an envelope that lost its connection while its budget bears `cost`; else report `outcome`."""
        if self._stopping or self._budgets.spend(envelope, cost):
            self._report(envelope, outcome)
        else:
            self._staged.appendleft(envelope)

    def idle(self, connection: MailConnection) -> None:
        """Keep a connection that found nothing to do."""
        self._idle.append(connection)
        if self._draining or self._stopping:
            self._timer.soon()

    def gone(self, connection: MailConnection, reason: Explanation) -> None:
        """Forget a closed connection."""
        self._connections.discard(connection)
        if self._all_gone is not None and not self._connections and not self._all_gone.done():
            self._all_gone.set_result(None)
        if connection in self._idle:
            self._idle.remove(connection)
        elif not connection.misframed and (connection.settled == 0 or connection.silent):
            # A connection that broke with its first message, or went silent, counts as one that could not be opened.
            self._failed(ConnectionFailed("connection_lost", server=self._settings.address, why=reason))
        self._timer.soon()

    def end_run(self, error: Exception) -> None:
        """End the run with this error, after the messages under way."""
        self._error = self._error or error
        self._stopping = True
        self._timer.soon()

    def _next_of_feed(self) -> Envelope | None:
        try:
            envelope = self._feed.next_envelope()
        except Exception as error:  # whatever error the feed has, every message under way must get its outcome
            self.end_run(error)
            return None
        self._feed_is_empty = envelope is None
        return envelope

    def _report(self, envelope: Envelope, outcome: Outcome) -> None:
        try:
            self._feed.outcome(envelope, outcome)
        except Exception as error:
            self.end_run(error)

    # --- the pool

    def _pump(self) -> None:
        """Give work to idle connections, open more where there is work for them, and end a finished run.

        The timer calls this in a turn of the event loop of its own, never in the middle of another call.
        """
        if self._finished is None or self._finished.done():
            return
        if self._stopping:
            self._defer_staged(Explanation("stopped_before_it_was_begun"))
        while self._idle:
            connection = self._idle[-1]
            if connection.used_up:
                self._idle.pop().quit()
                continue
            message = connection.take()
            if message is None:
                break
            self._idle.pop()
            connection.begin(message)
        else:
            self._open_for_work()
        under_way = len(self._idle) < len(self._connections) or bool(self._staged)
        if under_way or not (self._stopping or self._draining):
            return
        # A draining feed is asked once more: the pace may have delayed the question, or an outcome brought new work.
        envelope = None if self._stopping else self._next_of_feed()
        if envelope is None:
            self._error = self._error or self._health.at_the_end(stopped=self._stopping)
            self._finished.set_result(None)
        else:
            self._staged.append(envelope)
            self._timer.soon()

    def _open_for_work(self) -> None:
        now = self._loop.time()
        allowed = self._backoff.connections(now)
        # The first connection is opened alone: a login that is refused should be refused once, not eight times.
        at_once = OPENING_AT_ONCE if self._backoff.ever_connected else 1
        while (
            not self._stopping
            and len(self._connections) + len(self._opening) < allowed
            and len(self._opening) < at_once
            and (len(self._staged) > len(self._opening) or self._stage())
        ):
            task = self._loop.create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        if not allowed:
            self._timer.after(self._backoff.delay(now))

    def _stage(self) -> bool:
        """Take an envelope for a connection that is yet to be opened."""
        if not self._pace.unlimited:
            delay = self._pace.delay(self._loop.time())
            if self._staged or delay > 0:
                self._timer.after(max(delay, 0.001))
                return False
        if (envelope := self._next_of_feed()) is not None:
            self._staged.append(envelope)
        return envelope is not None

    def _new_connection(self, address: str) -> MailConnection:
        of = self._settings
        return MailConnection(address, self, self._limits, timeout=of.timeout, data_timeout=of.data_timeout)

    async def _open(self) -> None:
        try:
            connection, capabilities = await self._opener.open(self._new_connection)
        except (ConnectionFailed, SetupRefused) as error:
            if isinstance(error, SetupRefused) and not self._backoff.ever_connected:
                self.end_run(error)
            else:
                self._failed(error)
        except Exception as error:  # an error that stays in the asyncio task would never be raised
            self.end_run(error)
        else:
            connection.ready(capabilities)
            self._connections.add(connection)
            self._idle.append(connection)
            self._backoff.connected(established=len(self._connections))
        self._timer.soon()

    def _failed(self, error: TransportUnavailable) -> None:
        self._health.connection_failed()
        _log.warning("SMTP connection failed: %s", error)
        established, awake = len(self._connections), self._clock.seconds
        self._backoff.failed(error, established=established, now=self._loop.time(), awake=awake)

    def _defer_staged(self, reason: Explanation) -> None:
        text = str(self._error if isinstance(self._error, TransportUnavailable) else reason)[:500]
        while self._staged:
            self._report(self._staged.popleft(), Outcome(Delivery.DEFERRED, None, text))

    def _tick(self) -> None:
        """Check all connections for a stall, and the run for `unavailable_after`: one timer for all of them."""
        now, settings = self._loop.time(), self._settings
        period = min(1.0, settings.timeout / 10, settings.data_timeout / 10, settings.unavailable_after / 10)
        # Replies that came while this process did not run are read after the tick: that time is no server's silence.
        awake = self._clock.tick(now, at_most=2 * period)
        for connection in list(self._connections):
            connection.check_stall(awake)
        busy = len(self._connections) - len(self._idle)
        error = self._backoff.lost(awake, busy=busy, waiting=bool(self._staged) or not self._feed_is_empty)
        if error is not None and not self._stopping:
            self.end_run(error)
        self._timer.soon()
        self._ticker = self._loop.call_later(period, self._tick)

    # --- the end

    async def _quit_all(self) -> None:
        """Send QUIT on every connection, and wait up to QUIT_TIMEOUT seconds for the answers."""
        for task in self._opening:
            task.cancel()
        if self._idle:
            self._all_gone = self._loop.create_future()
            for connection in list(self._idle):
                connection.quit()
            await asyncio.wait([self._all_gone], timeout=min(QUIT_TIMEOUT, self._settings.timeout))

    def _abandon_all(self) -> None:
        """Close every connection and settle every envelope, also when the run is cancelled."""
        self._stopping = True
        for task in list(self._opening):
            task.cancel()
        self._timer.cancel()
        if self._ticker is not None:
            self._ticker.cancel()
        for connection in list(self._connections):
            connection.abandon(Explanation("run_ended"))
        self._opening.clear()
        self._defer_staged(Explanation("run_ended_before_it_was_begun"))
