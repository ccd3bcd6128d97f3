"""When a server refuses many messages in a row, the reason is not in them: it would refuse everybody."""

from __future__ import annotations

from ses_ops.domain.delivery_failure import DeliveryFailure, Fault, Reason
from ses_ops.errors import TransportUnavailable
from ses_ops.transports.errors import MailRefused, PutOff
from ses_ops.transports.port import Delivery, Envelope, Outcome

#: After so many refusals, whatever their codes and words, with not one message accepted, the reason is not in them.
ENOUGH = 50
#: After so many since the last accepted message, a server turned against us in mid-run (account suspended, quota used
#: up), in whatever words: several servers behind one name have several. What is about the recipients alone does not
#: count then.
ENOUGH_SINCE = 200


class Refusals:
    """Counts refusals since the last accepted message.

    When there are enough of them it is better to give up: the server's reason can be mended or will pass, eighty
    thousand failures cannot.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        #: Whether the server has taken any message.
        self.ever_accepted = False
        self._begin_row()

    def _begin_row(self) -> None:
        self._count = 0
        #: Those that were refused for good although the reason may not be in them.
        self._refused: list[int] = []
        self._last: Outcome | None = None
        #: Every refusal of this row is about us by the server's own words.
        self._all_about_us = True

    def accepted(self) -> None:
        """The server took a message."""
        self.ever_accepted = True
        self._begin_row()

    def refused(self, envelope: Envelope, outcome: Outcome) -> TransportUnavailable | None:
        """Count a refusal. Returns what to give up with once there are enough; None before."""
        failure = outcome.failure
        if failure is None or not self._counts(outcome, failure):
            return None
        if envelope.refused_before and failure.fault is not Fault.SENDER:
            return None  # a person asked for another try of it; unless it is about us, this is no news of the server
        self._count += 1
        self._last = outcome
        self._all_about_us = self._all_about_us and failure.fault is Fault.SENDER
        if outcome.delivery is Delivery.FAILED and failure.fault is not Fault.CONTENT:
            self._refused.append(envelope.seq)
        enough = ENOUGH_SINCE if self.ever_accepted else ENOUGH
        return self._error(outcome, failure) if self._count >= enough else None

    def at_the_end(self, *, stopped: bool) -> TransportUnavailable | None:
        """What to end a run with that had fewer messages than are enough, and in which the server took none.

        Their refusal is believed, unless it was about us by the server's own words; or the run was `stopped` before
        enough of them had been tried to tell.
        """
        last = self._last
        if self.ever_accepted or last is None or last.failure is None or not self._refused:
            return None
        return self._error(last, last.failure) if stopped or self._all_about_us else None

    def _counts(self, outcome: Outcome, failure: DeliveryFailure) -> bool:
        if outcome.delivery is Delivery.DEFERRED and (outcome.code or 0) < 500:
            # A full mailbox, greylisting: each recipient has its own, and it is over by itself.
            return failure.fault is not Fault.RECIPIENT
        return not (self.ever_accepted and failure.fault is Fault.RECIPIENT)

    def _error(self, outcome: Outcome, failure: DeliveryFailure) -> TransportUnavailable:
        which = "last" if self.ever_accepted else "first"
        reply = {"server": self._server, "count": self._count, "code": outcome.code, "text": outcome.text}
        if outcome.delivery is Delivery.DEFERRED and failure.fault is not Fault.SENDER:
            return PutOff(f"{which}_messages_deferred", **reply)
        if failure.reason is Reason.TOO_BIG:
            what = "messages_too_big"
        else:
            what = "messages_refused_for_content" if failure.fault is Fault.CONTENT else "messages_refused"
        return MailRefused(f"{which}_{what}", taken_back=self._refused, **reply)
