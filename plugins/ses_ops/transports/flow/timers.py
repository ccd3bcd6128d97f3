"""Time in an event loop: one function that is to be called again, and a clock that stands still when the loop does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Alarm:
    """However often it is asked, one call is made. Requests made before `start` and after `cancel` are forgotten."""

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
            self._soon = self._loop.call_soon(self._ring)

    def after(self, seconds: float) -> None:
        """Call in so many seconds, unless an earlier call is asked for already."""
        if self._loop is None:
            return
        due = self._loop.time() + seconds
        if self._later is not None:
            if self._due <= due:
                return
            self._later.cancel()
        self._due = due
        self._later = self._loop.call_later(seconds, self._time_is_up)

    def cancel(self) -> None:
        """Make no call any more."""
        self._loop = None
        for handle in (self._soon, self._later):
            if handle is not None:
                handle.cancel()

    def _time_is_up(self) -> None:
        self._later = None
        self.soon()

    def _ring(self) -> None:
        self._soon = None
        self._call()


class AwakeClock:
    """Seconds that this process ran: it stands still while the machine sleeps or is too busy to run us."""

    __slots__ = ("_seconds", "_ticked")

    def __init__(self) -> None:
        self._seconds = 0.0
        self._ticked: float | None = None

    def tick(self, now: float, *, at_most: float) -> float:
        """Count the time since the last tick, up to so many seconds; returns the sum."""
        if self._ticked is not None:
            self._seconds += min(now - self._ticked, at_most)
        self._ticked = now
        return self._seconds
