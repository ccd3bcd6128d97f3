"""Names of dimensions, counts and rates, as texts to translate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.console.language import N_
from ses_ops.domain.mail_statistics import Dimension, MailCounts, MailKind, rates

if TYPE_CHECKING:
    from collections.abc import Collection

DIMENSIONS = {
    Dimension.DAY: N_("Day"),
    Dimension.TASK: N_("Send task"),
    Dimension.SENDER_DOMAIN: N_("Sender domain"),
    Dimension.MAILBOX_PROVIDER: N_("Mailbox provider"),
    Dimension.KIND: N_("Kind of mail"),
}
KINDS = {MailKind.BULK: N_("Bulk mail of send tasks"), MailKind.TRIGGER: N_("Trigger mail of the API")}
#: What a rate is called, and what it is a part of.
RATES = {
    "accepted_rate": (N_("Accepted"), N_("of %(count)s requested")),
    "delivery_rate": (N_("Delivered"), N_("of %(count)s accepted")),
    "bounce_rate": (N_("Bounced"), N_("of %(count)s accepted")),
    "complaint_rate": (N_("Complained"), N_("of %(count)s accepted and not returned")),
    "unsubscribe_rate": (N_("Unsubscribed"), N_("of %(count)s accepted and not returned")),
    "open_rate": (N_("Opened by people"), N_("of %(count)s with a pixel and not returned")),
    "click_rate": (N_("Clicked by people"), N_("of %(count)s with tracked links and not returned")),
}


@dataclass(frozen=True, kw_only=True)
class StatisticsRate:
    """A rate on a page: a text to translate, its count, its share, and what it is a part of."""

    name: str
    label: str
    count: int
    #: None: not measured, or of nothing.
    share: float | None
    base: str
    of: int


def rate_lines(counts: MailCounts, feeds: Collection[str]) -> list[StatisticsRate]:
    """The rates of some counts, in the order of a page."""
    found = rates(counts, feeds)
    return [
        StatisticsRate(
            name=name, label=label, count=found[name].count, share=found[name].share, base=base, of=found[name].of
        )
        for name, (label, base) in RATES.items()
    ]
