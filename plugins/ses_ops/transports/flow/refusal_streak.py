"""The streak of refusals: many in a row mean that the server refuses the sender.

Then the reason is not in the messages, and the server would refuse every other message too.
"""

from __future__ import annotations

from ses_ops.domain.delivery_failure import DeliveryFailure, Fault, Reason
from ses_ops.errors import TransportUnavailable
from ses_ops.transports.errors import MailDeferred, MailRefused
from ses_ops.transports.port import Delivery, Envelope, Outcome

#: Number of refusals, whatever their codes and texts, after which the sender is at fault, while no message of the run
#: was accepted.
LIMIT_BEFORE_SUCCESS = 50
#: Number of refusals since the last accepted message after which a server has turned against the sender in mid-run
#: (account suspended, quota used up). The texts may differ: several servers behind one name have several. A refusal of
#: the recipient alone does not count once a message was accepted.
LIMIT_AFTER_SUCCESS = 200


class RefusalStreak:
    """Counts refusals since the last accepted message.

    At the limit the run ends: the server's reason can be mended or will pass, eighty thousand failed messages cannot.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        #: Whether the server has taken any message.
        self.ever_accepted = False
        self._begin_streak()

    def _begin_streak(self) -> None:
        self._count = 0
        #: Numbers of the messages that were refused for good although the reason may not be in the message.
        self._refused: list[int] = []
        self._last: Outcome | None = None
        #: Whether every refusal of this streak is about the sender by the server's own words.
        self._all_about_sender = True

    def accepted(self) -> None:
        """The server took a message."""
        self.ever_accepted = True
        self._begin_streak()

    def refused(self, envelope: Envelope, outcome: Outcome) -> TransportUnavailable | None:
        """Count a refusal. Returns the error to end the run with at the limit; None before."""
        failure = outcome.failure
        if failure is None or not self._counts(outcome, failure):
            return None
        if envelope.refused_before and failure.fault is not Fault.SENDER:
            # A person asked for the retry of a refused message: a refusal says nothing new, unless it is of the sender.
            return None
        self._count += 1
        self._last = outcome
        self._all_about_sender = self._all_about_sender and failure.fault is Fault.SENDER
        if outcome.delivery is Delivery.FAILED and failure.fault is not Fault.CONTENT:
            self._refused.append(envelope.seq)
        limit = LIMIT_AFTER_SUCCESS if self.ever_accepted else LIMIT_BEFORE_SUCCESS
        return self._error(outcome, failure) if self._count >= limit else None

    def at_the_end(self, *, stopped: bool) -> TransportUnavailable | None:
        """The error to end a run with that had fewer messages than the limit, none of which the server took.

        None, so that the messages have failed, unless every refusal was of the sender by the server's own words, or the
        run was `stopped` before the limit could be reached.
        """
        last = self._last
        if self.ever_accepted or last is None or last.failure is None or not self._refused:
            return None
        return self._error(last, last.failure) if stopped or self._all_about_sender else None

    def _counts(self, outcome: Outcome, failure: DeliveryFailure) -> bool:
        if outcome.delivery is Delivery.DEFERRED and (outcome.code or 0) < 500:
            # A full mailbox or greylisting concerns one recipient, and ends by itself.
            return failure.fault is not Fault.RECIPIENT
        return not (self.ever_accepted and failure.fault is Fault.RECIPIENT)

    def _error(self, outcome: Outcome, failure: DeliveryFailure) -> TransportUnavailable:
        which = "last" if self.ever_accepted else "first"
        reply = {"server": self._server, "count": self._count, "code": outcome.code, "text": outcome.text}
        if outcome.delivery is Delivery.DEFERRED and failure.fault is not Fault.SENDER:
            return MailDeferred(f"{which}_messages_deferred", **reply)
        if failure.reason is Reason.TOO_BIG:
            what = "messages_too_big"
        else:
            what = "messages_refused_for_content" if failure.fault is Fault.CONTENT else "messages_refused"
        return MailRefused(f"{which}_{what}", to_requeue=self._refused, **reply)
