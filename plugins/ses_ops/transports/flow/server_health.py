"""What the server's answers to our mail say about the server: go on, go slower, or give up."""

from __future__ import annotations

from ses_ops.domain.delivery_failure import Fault
from ses_ops.errors import TransportUnavailable
from ses_ops.transports.flow.backoff import Patience
from ses_ops.transports.flow.refusal_streak import Refusals
from ses_ops.transports.flow.throttle import Throttle
from ses_ops.transports.port import Delivery, Envelope, Outcome, RefusedHere


class Verdict:
    """Adds up the outcomes of a run."""

    def __init__(self, server: str, patience: Patience, throttle: Throttle) -> None:
        self._patience = patience
        self._throttle = throttle
        self._refusals = Refusals(server)
        #: Nothing is known against the server that an accepted message would change: it need not be told of one.
        self.all_is_well = False

    def add(self, envelope: Envelope, outcome: Outcome, *, now: float) -> TransportUnavailable | None:
        """One more answer, or refusal of our own. Returns what to give up with, if it is enough."""
        if type(outcome) is not RefusedHere:
            self._patience.progress()
        if outcome.delivery is Delivery.SENT:
            self._refusals.accepted()
            self.all_is_well = self._throttle.accepted()
            return None
        self.all_is_well = False
        failure = outcome.failure
        if outcome.delivery is Delivery.DEFERRED and failure is not None and failure.fault is not Fault.RECIPIENT:
            self._throttle.put_off(now)
        return self._refusals.refused(envelope, outcome)

    @property
    def ever_accepted(self) -> bool:
        """Whether the server has taken any message."""
        return self._refusals.ever_accepted

    def at_the_end(self, *, stopped: bool) -> TransportUnavailable | None:
        """What to end a run with in which the server took nothing, and what it said of the messages is not believed."""
        return self._refusals.at_the_end(stopped=stopped)

    def connection_failed(self) -> None:
        """The next accepted message says that this is over."""
        self.all_is_well = False
