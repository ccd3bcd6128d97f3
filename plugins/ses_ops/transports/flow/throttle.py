"""A server that puts most of our mail off is sent less of it: additive increase, multiplicative decrease.

"454 Throttling failure" and the like are answers to our speed, and whoever goes on at that speed gets nothing else.
"""

from __future__ import annotations

from ses_ops.transports.flow.pace import Pace

#: So many messages put off, less half of those accepted meanwhile: 50 in a row, or two of three in a hundred, or every
#: second of two hundred. A server that puts off less than a third is not slowed down for.
MOST = 50
#: What each accepted message adds to a lowered rate, in messages a second.
RECOVERY = 0.05
#: It is never lowered below so many messages a second.
SLOWEST = 1.0


class Throttle:
    """Sets a Pace: to the rate that was asked for, and lower while the server puts most of the mail off."""

    def __init__(self, pace: Pace, asked_for: float | None) -> None:
        self._pace = pace
        self._asked_for = asked_for
        #: Messages a second that the server seems to bear; None: it has not complained.
        self.limit: float | None = None
        #: At this rate it complained first.
        self._too_fast = 0.0
        #: Messages put off, less half of those accepted; all messages, and the time, since that was 0.
        self._surplus = 0.0
        self._count = 0
        self._since = 0.0

    def ask_for(self, messages_per_second: float | None) -> None:
        """Begin at most so many messages a second; None: no limit of ours."""
        self._asked_for = messages_per_second
        self._set()

    def put_off(self, now: float) -> None:
        """The server answered 4xx, not because of the recipient."""
        if self._surplus == 0:
            self._since, self._count = now, 0
        self._surplus += 1
        self._count += 1
        if self._surplus >= MOST:
            self._surplus = 0.0
            rate = self._count / max(now - self._since, 0.001)
            if self.limit is None:
                self._too_fast = rate
            self.limit = max(SLOWEST, min(rate, self.limit or rate, self._asked_for or rate) / 2)
            self._set()

    def accepted(self) -> bool:
        """The server took a message. Returns whether all is well: then it need not be told of the next ones."""
        if self._surplus:
            self._surplus -= 0.5
            self._count += 1
        if self.limit is not None:
            self.limit += RECOVERY
            if self.limit >= min(self._too_fast, self._asked_for or self._too_fast):
                self.limit = None
            self._set()
        return self.limit is None and not self._surplus

    def _set(self) -> None:
        rates = [rate for rate in (self._asked_for, self.limit) if rate is not None]
        self._pace.set_rate(min(rates, default=None))
