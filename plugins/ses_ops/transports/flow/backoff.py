"""The backoff of a transport from a server that fails connections.

While connections fail, fewer are opened; while none can be opened, there are pauses; and once no message has been
settled for `unavailable_after` seconds, the run ends.
"""

from __future__ import annotations

from ses_ops.errors import TransportUnavailable
from ses_ops.transports.flow.limits import Limits

#: Seconds of the first and of the longest pause; each pause is twice the pause before.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
#: Seconds for which the number of connections stays at what the server allowed, before more are tried.
_CEILING_HOLD = 30.0


class Backoff:
    """Counts failures against progress.

    Pauses are by the event loop's clock, in seconds. Trouble is by an AwakeClock: the time in which this process stood
    still is no fault of the server.
    """

    def __init__(self, settings: Limits) -> None:
        self._settings = settings
        self._ceiling = settings.connections
        self._ceiling_until = 0.0
        #: Largest number of connections that there were at once.
        self._most = 0
        self._pause = 0.0
        self._not_before = 0.0
        self._trouble_since: float | None = None
        self._last: TransportUnavailable | None = None
        #: Whether any session was opened in this run: then the settings are right in principle.
        self.ever_connected = False

    def connections(self, now: float) -> int:
        """Number of connections that may be open now; 0 during a pause."""
        if now < self._not_before:
            return 0
        if now >= self._ceiling_until:
            self._ceiling = self._settings.connections
        return self._ceiling

    def delay(self, now: float) -> float:
        """Seconds to the end of the pause."""
        return max(0.0, self._not_before - now)

    def connected(self, *, established: int) -> None:
        """Count a new session; `established` sessions are open with it."""
        self.ever_connected = True
        self._ceiling = max(self._ceiling, established)
        self._most = max(self._most, established)

    def progress(self) -> None:
        """Note that a message was settled, which ends the trouble."""
        if self._trouble_since is not None:
            self._trouble_since = None
            if self._pause:
                # The server refused every connection and now serves one: nothing speaks against many connections.
                self._pause = 0.0
                self._ceiling_until = 0.0

    def lowered(self, *, established: int, now: float) -> bool:
        """Have no more connections than `established` ones for a while, for the sake of others.

        False when that is none, or fewer than half of those that there were.
        """
        if established < max(1, self._most // 2):
            return False
        self._ceiling, self._ceiling_until = established, now + _CEILING_HOLD
        return True

    @property
    def last(self) -> TransportUnavailable | None:
        """Why the last connection failed."""
        return self._last

    def failed(self, error: TransportUnavailable, *, established: int, now: float, awake: float) -> None:
        """Count a connection that could not be opened, or broke before it settled a message.

        `established` is the number of other connections that are open; `now` and `awake` are in seconds by the event
        loop's clock and by the AwakeClock.
        """
        self._last = error
        if self._trouble_since is None:
            self._trouble_since = awake
        self._ceiling = max(1, established)
        # With no connection left, a single one is opened as a probe until it has settled a message (data_timeout).
        self._ceiling_until = now + (_CEILING_HOLD if established else max(_CEILING_HOLD, self._settings.data_timeout))
        # Connections that fail together are one failure.
        if not established and now >= self._not_before:
            # However short unavailable_after is, there is time for five attempts.
            longest = min(_LONGEST_PAUSE, self._settings.unavailable_after / 5)
            self._pause = min(longest, self._pause * 2 or _FIRST_PAUSE)
            self._not_before = now + self._pause

    def lost(self, awake: float, *, busy: int, waiting: bool) -> TransportUnavailable | None:
        """The error to end the run with once no message was settled for too long; None before.

        `awake` is in seconds by the AwakeClock.
        `busy` is the number of connections with a message under way, which may yet be settled: they have the time of
        one reply. `waiting` says whether there are envelopes to send.
        """
        if not busy and not waiting:
            self._trouble_since = None
        if self._trouble_since is None or self._last is None:
            return None
        limit = self._settings.unavailable_after
        if busy:
            limit = max(limit, self._settings.timeout + self._settings.data_timeout)
        if awake - self._trouble_since < limit:
            return None
        return TransportUnavailable("no_message_got_through", seconds=awake - self._trouble_since, problem=self._last)
