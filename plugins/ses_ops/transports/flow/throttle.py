"""The throttle: a lower rate for a server that defers most of the mail.

The rate follows additive increase, multiplicative decrease. "454 Throttling failure" and the like are answers to the
speed of the sender, and a sender that goes on at that speed gets no other answer.
"""

from __future__ import annotations

from ses_ops.transports.flow.pace import Pace

#: Number of deferred messages, less half of those accepted meanwhile, at which the rate is halved: 50 in a row, or two
#: of three in a hundred, or every second of two hundred. For a server that defers less than a third it never is.
SURPLUS_LIMIT = 50
#: Messages a second that each accepted message adds to a lowered rate.
RECOVERY = 0.05
#: Messages a second below which the rate is never lowered.
MIN_RATE = 1.0


class Throttle:
    """Sets a Pace: to the rate that was asked for, and lower while the server defers most of the mail."""

    def __init__(self, pace: Pace, asked_for: float | None) -> None:
        self._pace = pace
        self._asked_for = asked_for
        #: Messages a second that the server seems to bear; None while the rate is not lowered.
        self.limit: float | None = None
        #: Messages a second at which the rate was lowered first.
        self._too_fast = 0.0
        #: Deferred messages less half of the accepted ones; then all messages, and the moment, since the surplus was 0.
        self._surplus = 0.0
        self._count = 0
        self._since = 0.0

    def ask_for(self, messages_per_second: float | None) -> None:
        """Set the rate that the settings ask for, in messages a second; None: no limit."""
        self._asked_for = messages_per_second
        self._set()

    def deferred(self, now: float) -> None:
        """Count a message that the server deferred (4xx), not because of the recipient; `now` is in seconds."""
        if self._surplus == 0:
            self._since, self._count = now, 0
        self._surplus += 1
        self._count += 1
        if self._surplus >= SURPLUS_LIMIT:
            self._surplus = 0.0
            rate = self._count / max(now - self._since, 0.001)
            if self.limit is None:
                self._too_fast = rate
            self.limit = max(MIN_RATE, min(rate, self.limit or rate, self._asked_for or rate) / 2)
            self._set()

    def accepted(self) -> bool:
        """Count a message that the server took.

        Returns whether the rate is not lowered and no deferral is counted: then the next accepted messages change
        nothing here and need not be counted.
        """
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
