"""The health of a mail server, judged by its answers to the messages.

A healthy server is sent mail at the full rate, one that defers most of the mail at a lower rate, and one that refuses
message after message none at all.
"""

from __future__ import annotations

from ses_ops.domain.delivery_failure import Fault
from ses_ops.errors import TransportUnavailable
from ses_ops.transports.flow.backoff import Backoff
from ses_ops.transports.flow.refusal_streak import RefusalStreak
from ses_ops.transports.flow.throttle import Throttle
from ses_ops.transports.port import Delivery, Envelope, LocalRefusal, Outcome


class ServerHealth:
    """Judges the server by the outcomes of one run."""

    def __init__(self, server: str, backoff: Backoff, throttle: Throttle) -> None:
        self._backoff = backoff
        self._throttle = throttle
        self._streak = RefusalStreak(server)
        #: Whether an accepted message would change nothing here: then `add` need not be called for it.
        self.unimpaired = False

    def add(self, envelope: Envelope, outcome: Outcome, *, now: float) -> TransportUnavailable | None:
        """Count one more outcome. Returns the error to end the run with, None while it goes on; `now` is in seconds."""
        if type(outcome) is not LocalRefusal:
            self._backoff.progress()
        if outcome.delivery is Delivery.SENT:
            self._streak.accepted()
            self.unimpaired = self._throttle.accepted()
            return None
        self.unimpaired = False
        failure = outcome.failure
        if outcome.delivery is Delivery.DEFERRED and failure is not None and failure.fault is not Fault.RECIPIENT:
            self._throttle.deferred(now)
        return self._streak.refused(envelope, outcome)

    @property
    def ever_accepted(self) -> bool:
        """Whether the server has taken any message."""
        return self._streak.ever_accepted

    def at_the_end(self, *, stopped: bool) -> TransportUnavailable | None:
        """The error to end a run with in which the server took no message (see RefusalStreak.at_the_end)."""
        return self._streak.at_the_end(stopped=stopped)

    def connection_failed(self) -> None:
        """Note that a connection failed; the next accepted message shows that the trouble is over."""
        self.unimpaired = False
