"""What became of messages after a server had accepted them: the outcomes, and the rates of a task."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


class Feedback(StrEnum):
    """An outcome, named as the column of `feedback_count` that counts it. A message may have several."""

    #: Accepted by the recipient's mailbox provider, and not returned afterwards.
    DELIVERED = "delivered"
    HARD_BOUNCED = "hard_bounced"
    SOFT_BOUNCED = "soft_bounced"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    #: Not accepted yet.
    DEFERRED = "deferred"
    #: Not sent by the sending provider.
    DROPPED = "dropped"


#: Feeds of providers, which tell of everything; the others of the outcomes that are named.
_OF_EVERYTHING = frozenset({"amazon_ses", "tencent_ses", "sendgrid", "mailgun", "postmark", "custom"})
_OF_SOME: dict[Feedback, frozenset[str]] = {
    Feedback.HARD_BOUNCED: frozenset({"bounce_mail"}),
    Feedback.SOFT_BOUNCED: frozenset({"bounce_mail"}),
    Feedback.DEFERRED: frozenset({"bounce_mail"}),
    Feedback.COMPLAINED: frozenset({"feedback_report"}),
    Feedback.UNSUBSCRIBED: frozenset({"unsubscribe_page", "one_click", "unsubscribe_mail"}),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedbackRate:
    """A rate with its parts, which every place that shows it names."""

    feedback: Feedback
    #: Number of messages with the outcome; None: no feed has told of such outcomes since the mail left, so that a zero
    #: would say what nobody knows.
    count: int | None
    #: Number of messages of which these are a part, and what they are: `sent` or `delivered`.
    of: int
    base: str

    @property
    def share(self) -> float | None:
        """The rate as a share of 1; None where it is not measured, or of nothing."""
        return self.count / self.of if self.count is not None and self.of else None


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskFeedback:
    """Numbers of a task's messages by outcome, and what measures them."""

    delivered: int
    hard_bounced: int
    soft_bounced: int
    complained: int
    unsubscribed: int
    deferred: int
    dropped: int
    #: Feeds with an event since the task's first start.
    feeds: tuple[str, ...]
    #: Whether the mail has our own unsubscribe link, whose page is a measure by itself.
    has_link: bool

    def measured(self, feedback: Feedback) -> bool:
        """Whether a zero of this outcome means that there was none."""
        if getattr(self, feedback) or (feedback is Feedback.UNSUBSCRIBED and self.has_link):
            return True
        return tells_of(feedback, self.feeds)

    def rates(self, sent: int) -> list[FeedbackRate]:
        """The rates, in the order of `Feedback`; `sent`: number of messages that a server accepted.

        Bounces are a part of the sent messages; complaints and unsubscriptions of the delivered ones, where those are
        measured, because nobody complains of a mail that never came.
        """
        known = self.measured(Feedback.DELIVERED)
        after = (max(self.delivered, self.complained), "delivered") if known else (sent, "sent")
        of = {Feedback.COMPLAINED: after, Feedback.UNSUBSCRIBED: after}
        return [
            FeedbackRate(
                feedback=one, count=getattr(self, one) if self.measured(one) else None, of=base[0], base=base[1]
            )
            for one in Feedback
            for base in (of.get(one, (sent, "sent")),)
        ]


def tells_of(feedback: Feedback, feeds: Collection[str]) -> bool:
    """Whether one of the feeds tells of an outcome."""
    return not (_OF_EVERYTHING | _OF_SOME.get(feedback, frozenset())).isdisjoint(feeds)
