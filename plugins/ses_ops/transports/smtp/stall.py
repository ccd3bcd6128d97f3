"""How long a server may say nothing, and how slowly it may read."""

from __future__ import annotations

from ses_ops.errors import Explanation
from ses_ops.transports.smtp.steps import Step

#: Octets a second. A server that reads more slowly than this, over a whole timeout, only holds a connection.
SLOWEST = 1000.0


class Silence:
    """Watches one connection. Times in seconds, by any clock that stands still while this process does."""

    __slots__ = ("_at", "_data_timeout", "_measured_from", "_rate_due", "_reply_due", "_timeout", "_unwritten")

    def __init__(self, timeout: float, data_timeout: float) -> None:
        self._timeout = timeout
        self._data_timeout = data_timeout
        #: How far the dialogue was when it was looked at last, and when standing still becomes a failure.
        self._at: tuple[Step, int] | None = None
        self._unwritten = 0
        self._reply_due = 0.0
        #: How much was unwritten at the beginning of the measured time, and the end of that.
        self._measured_from = 0
        self._rate_due = 0.0

    def broken_off(self, at: tuple[Step, int], unwritten: int, now: float) -> Explanation | None:
        """Why the connection must be given up; None while there is hope. To be called often.

        `at` says how far the dialogue is; `unwritten` are the octets that the network has not taken yet. A slow upload
        is not silence.
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
            if moved < SLOWEST * timeout:
                return Explanation("server_reads_too_slowly", moved=moved, seconds=timeout)
            self._measured_from, self._rate_due = unwritten, now + timeout
        self._unwritten, self._reply_due = unwritten, now + timeout
        return None
