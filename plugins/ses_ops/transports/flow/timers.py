"""Timers of an event loop: a coalescing timer, and a clock of awake time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class CoalescingTimer:
    """Calls one function once, however many requests were made before the call.

    Requests made before `start` and after `cancel` are ignored.
    """

    __slots__ = ("_call", "_due", "_later", "_loop", "_soon")

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._loop: asyncio.AbstractEventLoop | None = None
        self._soon: asyncio.Handle | None = None
        self._later: asyncio.Handle | None = None
        self._due = 0.0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Use this loop from now on."""
        self._loop = loop

    def soon(self) -> None:
        """Call in the loop's next turn."""
        if self._soon is None and self._loop is not None:
            self._soon = self._loop.call_soon(self._fire)

    def after(self, seconds: float) -> None:
        """Call in `seconds`, unless an earlier call is requested already."""
        if self._loop is None:
            return
        due = self._loop.time() + seconds
        if self._later is not None:
            if self._due <= due:
                return
            self._later.cancel()
        self._due = due
        self._later = self._loop.call_later(seconds, self._expired)

    def cancel(self) -> None:
        """Drop all requests and take no more."""
        self._loop = None
        for handle in (self._soon, self._later):
            if handle is not None:
                handle.cancel()

    def _expired(self) -> None:
        self._later = None
        self.soon()

    def _fire(self) -> None:
        self._soon = None
        self._call()


class AwakeClock:
    """Seconds in which this process ran: the clock stops while the machine sleeps or is too busy to run the process."""

    __slots__ = ("_seconds", "_ticked")

    def __init__(self) -> None:
        self._seconds = 0.0
        self._ticked: float | None = None

    @property
    def seconds(self) -> float:
        """The seconds at the last tick."""
        return self._seconds

    def tick(self, now: float, *, at_most: float) -> float:
        """Count the seconds since the last tick, `at_most` of them; returns the sum."""
        if self._ticked is not None:
            self._seconds += min(now - self._ticked, at_most)
        self._ticked = now
        return self._seconds


@asynccontextmanager
async def awake_timeout(seconds: float) -> AsyncIterator[None]:
    """Like asyncio.timeout, by an AwakeClock: what came while this process did not run has come in time.

    Ends up to a tenth of `seconds` late, and a second at most.
    """
    loop, clock = asyncio.get_running_loop(), AwakeClock()
    period = min(1.0, seconds / 10)
    clock.tick(loop.time(), at_most=0.0)
    handle: asyncio.TimerHandle
    async with asyncio.timeout(None) as within:

        def look() -> None:
            nonlocal handle
            if clock.tick(loop.time(), at_most=2 * period) >= seconds:
                within.reschedule(loop.time())
            else:
                handle = loop.call_later(period, look)

        handle = loop.call_later(period, look)
        try:
            yield
        finally:
            handle.cancel()
