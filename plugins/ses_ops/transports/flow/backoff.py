"""How a transport meets a server in trouble: with fewer connections, with pauses, and in the end not at all."""

from __future__ import annotations

from ses_ops.errors import TransportUnavailable
from ses_ops.transports.flow.limits import Limits

#: Pause after the first failure and the longest one, in seconds; each is twice the one before.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
#: How long to be content with the connections that a server allowed, before trying for more, in seconds.
_CONTENT = 30.0


class Patience:
    """Counts failures against progress. All times are by the event loop's clock, in seconds."""

    def __init__(self, settings: Limits) -> None:
        self._settings = settings
        self._ceiling = settings.connections
        self._ceiling_until = 0.0
        self._pause = 0.0
        self._not_before = 0.0
        self._trouble_since: float | None = None
        self._last: TransportUnavailable | None = None
        #: Whether any session was opened: then the settings are right in principle.
        self.ever_connected = False

    def connections(self, now: float) -> int:
        """How many connections there may be now; 0 during a pause."""
        if now < self._not_before:
            return 0
        if now >= self._ceiling_until:
            self._ceiling = self._settings.connections
        return self._ceiling

    def delay(self, now: float) -> float:
        """Seconds to the end of the pause."""
        return max(0.0, self._not_before - now)

    def connected(self, *, established: int) -> None:
        """A session was opened, which makes `established` of them."""
        self.ever_connected = True
        self._ceiling = max(self._ceiling, established)

    def progress(self) -> None:
        """A message was settled: whatever was wrong is over."""
        if self._trouble_since is not None:
            self._trouble_since = None
            if self._pause:
                # There was no connection at all, and now there is: nothing is known against having many.
                self._pause = 0.0
                self._ceiling_until = 0.0

    def failed(self, error: TransportUnavailable, *, established: int, now: float) -> None:
        """A connection could not be opened, or died before it settled anything, while `established` others live."""
        self._last = error
        if self._trouble_since is None:
            self._trouble_since = now
        self._ceiling = max(1, established)
        # With nobody left, one connection shows whether all is well again: what it meets, the others need not meet.
        self._ceiling_until = now + (_CONTENT if established else max(_CONTENT, self._settings.data_timeout))
        # Connections that fail together are one failure.
        if not established and now >= self._not_before:
            # However short the patience, there is time for several attempts.
            longest = min(_LONGEST_PAUSE, self._settings.unavailable_after / 5)
            self._pause = min(longest, self._pause * 2 or _FIRST_PAUSE)
            self._not_before = now + self._pause

    def lost(self, now: float, *, busy: int, waiting: bool) -> TransportUnavailable | None:
        """The error to end with, once nothing has moved for too long; `busy` connections may yet bring progress."""
        if not busy and not waiting:
            self._trouble_since = None
        if self._trouble_since is None or self._last is None:
            return None
        limit = self._settings.unavailable_after
        if busy:
            limit = max(limit, self._settings.timeout + self._settings.data_timeout)
        if now - self._trouble_since < limit:
            return None
        return TransportUnavailable("no_message_got_through", seconds=now - self._trouble_since, problem=self._last)
