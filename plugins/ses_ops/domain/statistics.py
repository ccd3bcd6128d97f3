"""Statistics of mail: what is counted, and the rates with their numerators and denominators by name.

A rate is a numerator and a denominator until it is shown: sums are made of these and never of percentages.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum


class Dimension(StrEnum):
    """What rows of statistics are grouped by."""

    #: The day of sending, in the time zone of the sender domain's plan.
    DAY = "day"
    SENDER_DOMAIN = "sender_domain"
    TASK = "task"
    MAILBOX_PROVIDER = "mailbox_provider"


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Numbers of messages by day of *sending*, without test sends; `opens` and `clicks` are numbers of events."""

    #: The next server took it.
    accepted: int = 0
    #: Refused for good while it was sent: no such address; as spam; for another reason of the recipient; our side, or a
    #: server on the way.
    invalid: int = 0
    spam_refused: int = 0
    other_refused: int = 0
    infrastructure: int = 0
    #: Never left: on the suppression list.
    suppressed: int = 0
    #: In doubt.
    unknown: int = 0
    #: A feed said that the mailbox provider accepted it, and it did not come back.
    delivered: int = 0
    deferred: int = 0
    #: Not sent by the sending provider.
    dropped: int = 0
    soft_bounced: int = 0
    hard_bounced: int = 0
    complained: int = 0
    unsubscribed: int = 0
    #: Of the accepted messages those that could be known to be opened or clicked, without those that came back.
    opens_tracked: int = 0
    clicks_tracked: int = 0
    #: Messages that were opened or clicked, by whom; one that a person and a machine opened counts as a person's.
    opened_people: int = 0
    opened_machines: int = 0
    opened_unknown: int = 0
    clicked_people: int = 0
    clicked_machines: int = 0
    clicked_unknown: int = 0
    opens: int = 0
    clicks: int = 0

    @property
    def refused(self) -> int:
        """Refused for good while it was sent."""
        return self.invalid + self.spam_refused + self.other_refused + self.infrastructure

    @property
    def requested(self) -> int:
        """Messages whose sending ended in some way on these days."""
        return self.accepted + self.refused + self.suppressed + self.unknown

    @property
    def bounced(self) -> int:
        """Came back after the next server had taken it."""
        return self.soft_bounced + self.hard_bounced

    @property
    def reached(self) -> int:
        """Accepted, and neither returned nor dropped afterwards: what people complain of, unsubscribe by, open, click."""
        return max(0, self.accepted - self.bounced - self.dropped)

    def __add__(self, other: Counts) -> Counts:
        return Counts(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(Counts)})


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """A rate, with what it is made of."""

    #: Names of properties of Counts.
    numerator: str
    denominator: str
    count: int
    of: int

    @property
    def share(self) -> float | None:
        """As a share of 1; None: of nothing, so that there is no rate (mail without a pixel has no open rate)."""
        return self.count / self.of if self.of else None


#: The rates: name, numerator, denominator.
RATES = (
    ("accepted_rate", "accepted", "requested"),
    ("bounce_rate", "bounced", "accepted"),
    ("delivery_rate", "delivered", "accepted"),
    ("complaint_rate", "complained", "reached"),
    ("unsubscribe_rate", "unsubscribed", "reached"),
    ("open_rate", "opened_people", "opens_tracked"),
    ("click_rate", "clicked_people", "clicks_tracked"),
)


def rates(counts: Counts) -> dict[str, Rate]:
    """The rates of some counts, by name."""
    return {
        name: Rate(
            numerator=numerator,
            denominator=denominator,
            count=getattr(counts, numerator),
            of=getattr(counts, denominator),
        )
        for name, numerator, denominator in RATES
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row of statistics: values of the dimensions that were asked for ("" of the others), and counts."""

    #: ISO date.
    day: str = ""
    sender_domain: str = ""
    task: str = ""
    #: None without the dimension. Tasks of one name, made one after the other, are different rows.
    task_id: int | None = None
    mailbox_provider: str = ""
    counts: Counts
