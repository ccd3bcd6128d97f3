"""The labels of what comes back: outcomes, kinds of events, feeds, reasons of refusals."""

from __future__ import annotations

from ses_ops.console.language import N_
from ses_ops.domain.delivery_failure import Reason
from ses_ops.domain.engagement import EngagementKind
from ses_ops.domain.feedback import Feedback
from ses_ops.domain.message_event import EventKind

#: Each with the class of its dot.
FEEDBACK: dict[Feedback, str] = {
    Feedback.DELIVERED: N_("delivered"),
    Feedback.HARD_BOUNCED: N_("hard bounces"),
    Feedback.SOFT_BOUNCED: N_("soft bounces"),
    Feedback.COMPLAINED: N_("complaints"),
    Feedback.UNSUBSCRIBED: N_("unsubscribed"),
    Feedback.DEFERRED: N_("deferred"),
    Feedback.DROPPED: N_("dropped"),
}
#: Of one message.
OF_MESSAGE: dict[Feedback, str] = {
    **FEEDBACK,
    Feedback.HARD_BOUNCED: N_("hard bounce"),
    Feedback.SOFT_BOUNCED: N_("soft bounce"),
    Feedback.COMPLAINED: N_("complaint"),
}
#: The class of a badge.
BADGES: dict[Feedback, str] = {
    Feedback.DELIVERED: "finished",
    Feedback.HARD_BOUNCED: "error",
    Feedback.SOFT_BOUNCED: "paused",
    Feedback.COMPLAINED: "error",
    Feedback.UNSUBSCRIBED: "paused",
    Feedback.DEFERRED: "retrying",
    Feedback.DROPPED: "paused",
}
#: The class of a badge and the word, by kind of event.
EVENTS: dict[str, tuple[str, str]] = {
    EventKind.DELIVERED.value: ("finished", N_("delivered")),
    EventKind.DEFERRED.value: ("retrying", N_("deferred")),
    EventKind.DROPPED.value: ("paused", N_("dropped")),
    EventKind.BOUNCED.value: ("paused", N_("soft bounce")),
    EventKind.COMPLAINED.value: ("error", N_("complaint")),
    EventKind.UNSUBSCRIBED.value: ("paused", N_("unsubscribed")),
    EventKind.RESUBSCRIBED.value: ("finished", N_("subscribed again")),
    EngagementKind.OPENED.value: ("finished", N_("opened")),
    EngagementKind.CLICKED.value: ("finished", N_("clicked")),
}
_HARD = ("error", N_("hard bounce"))
#: The names of feeds; those of companies are the same in every language.
FEEDS: dict[str, str] = {
    "unsubscribe_page": N_("Unsubscribe page"),
    "one_click": N_("One-click unsubscribe"),
    "unsubscribe_mail": N_("Unsubscribe by mail"),
    "bounce_mail": N_("Bounces by mail"),
    "feedback_report": N_("Complaints by mail (feedback reports)"),
    "amazon_ses": "Amazon SES",
    "tencent_ses": "Tencent SES",
    "sendgrid": "SendGrid",
    "mailgun": "Mailgun",
    "postmark": "Postmark",
    "custom": N_("Own format"),
    "tracking": N_("Opens and clicks"),
    "smtp": N_("Mail server, while sending"),
}
REASONS: dict[str, str] = {
    Reason.NO_SUCH_ADDRESS.value: N_("there is no such address"),
    Reason.MAILBOX_FULL.value: N_("the mailbox is full"),
    Reason.MAILBOX_DISABLED.value: N_("the mailbox is disabled"),
    Reason.MAILBOX_BUSY.value: N_("the mailbox is busy"),
    Reason.UNROUTABLE.value: N_("there is no way to the recipient's server"),
    Reason.GREYLISTED.value: N_("the first try is put off on purpose"),
    Reason.RECIPIENT_REFUSED.value: N_("the recipient is refused"),
    Reason.SENDER_REJECTED.value: N_("the sender's address is refused"),
    Reason.LOGIN_NEEDED.value: N_("the server wants a login"),
    Reason.RELAY_DENIED.value: N_("the server relays no mail of this sender"),
    Reason.GREETING_REJECTED.value: N_("the sending machine is refused"),
    Reason.TOO_BIG.value: N_("the message is too big"),
    Reason.CONTENT_REJECTED.value: N_("the content is refused"),
    Reason.RATE_LIMITED.value: N_("sent too fast"),
    Reason.QUOTA_USED_UP.value: N_("the server's quota is used up"),
    Reason.SESSION_USED_UP.value: N_("too many messages over one connection"),
    Reason.SERVER_TROUBLE.value: N_("the server is in trouble"),
    Reason.BLOCKED.value: N_("the sender is on a block list"),
    Reason.POLICY.value: N_("a rule of the receiving side"),
}


def event_badge(kind: str, hard: bool) -> tuple[str, str]:
    """The class of the badge and the word of an event; a kind that a later version stores is its own word."""
    return _HARD if kind == EventKind.BOUNCED and hard else EVENTS.get(kind, ("waiting", kind))


def feed_name(source: str) -> str:
    """The name of a feed, as a text to translate."""
    return FEEDS.get(source) or FEEDS.get(source.removesuffix("_tracking"), source)
