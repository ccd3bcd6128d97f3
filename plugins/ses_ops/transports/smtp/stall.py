"""The detector of stalled connections: a server that is silent, or reads too slowly."""

from __future__ import annotations

from ses_ops.errors import Explanation
from ses_ops.transports.smtp.steps import Step

#: Octets a second. A server that reads more slowly than this, over a whole timeout, only occupies a connection.
MIN_READ_RATE = 1000.0


class StallDetector:
    """Watches one connection. Times are in seconds, by a clock that stops while this process does not run."""

    __slots__ = ("_at", "_data_timeout", "_measured_from", "_rate_due", "_reply_due", "_timeout", "_unwritten")

    def __init__(self, timeout: float, data_timeout: float) -> None:
        self._timeout = timeout
        self._data_timeout = data_timeout
        #: The step of the dialogue, and the unwritten octets, at the last check; then the deadline of the next change.
        self._at: tuple[Step, int] | None = None
        self._unwritten = 0
        self._reply_due = 0.0
        #: Octets that were unwritten at the beginning of the measured period; then the end of that period.
        self._measured_from = 0
        self._rate_due = 0.0

    def stall_reason(self, at: tuple[Step, int], unwritten: int, now: float) -> Explanation | None:
        """Why the connection is to be closed; None while the dialogue moves. To be called every second or more often.

        `at` is the step of the dialogue and the number of messages settled; `unwritten` the number of octets that the
        network has not taken yet: a slow upload is no stall.
        """
        timeout = self._data_timeout if at[0] == Step.FINAL and not unwritten else self._timeout
        if at != self._at or (self._unwritten and not unwritten):
            self._at = at
            self._measured_from, self._rate_due = unwritten, now + timeout
        elif unwritten == self._unwritten:
            if now < self._reply_due:
                return None
            if unwritten:
                return Explanation("server_reads_no_more", seconds=timeout)
            return Explanation("no_reply_to", step=at[0].name, seconds=timeout)
        elif now >= self._rate_due:
            moved = self._measured_from - unwritten
            if moved < MIN_READ_RATE * timeout:
                return Explanation("server_reads_too_slowly", moved=moved, seconds=timeout)
            self._measured_from, self._rate_due = unwritten, now + timeout
        self._unwritten, self._reply_due = unwritten, now + timeout
        return None
