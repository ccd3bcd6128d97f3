"""A task's outcomes and rates as a page shows them."""

from __future__ import annotations

from dataclasses import dataclass

from ses_ops.console.feedback_labels import BADGES, FEEDBACK
from ses_ops.domain.feedback import Feedback, FeedbackRate, TaskFeedback

#: Outcomes that are left out while nothing tells of them: they are states on the way to another one.
_SELDOM = (Feedback.DEFERRED, Feedback.DROPPED)


@dataclass(frozen=True, kw_only=True)
class FeedbackLine:
    """An outcome with its rate; `look` is the class of its dot, `label` a text to translate."""

    rate: FeedbackRate
    label: str
    look: str


def lines_of(counts: TaskFeedback, sent: int) -> list[FeedbackLine]:
    """The outcomes of a task of whose messages `sent` were accepted by a server."""
    return [
        FeedbackLine(rate=rate, label=FEEDBACK[rate.feedback], look=BADGES[rate.feedback])
        for rate in counts.rates(sent)
        if rate.count or rate.feedback not in _SELDOM
    ]
