"""Statistics of mail: what is counted, and the rates with their numerators and denominators by name.

A rate is a numerator and a denominator until it is shown: sums are made of these and never of percentages.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ses_ops.domain.feedback import Feedback, tells_of

if TYPE_CHECKING:
    from collections.abc import Collection


class Dimension(StrEnum):
    """What rows of statistics are grouped by."""

    #: The day of sending, in the time zone of the sender domain's plan.
    DAY = "day"
    SENDER_DOMAIN = "sender_domain"
    TASK = "task"
    MAILBOX_PROVIDER = "mailbox_provider"
    #: A value of MailKind.
    KIND = "kind"


class MailKind(StrEnum):
    """What mail is, by who asked for it."""

    #: Of send tasks.
    BULK = "bulk"
    #: Single messages, which programs ask for by the API.
    TRIGGER = "trigger"


#: What the name of the task that has a sender domain's single messages begins with. No other name has a colon.
TRIGGER_TASK = "api:"


def domain_of_trigger_mail(task: str) -> str | None:
    """The sender domain whose single messages a task has; None of a task that a person made."""
    return task.removeprefix(TRIGGER_TASK) if task.startswith(TRIGGER_TASK) else None


class Engaged(StrEnum):
    """What was done with a message."""

    OPENED = "opened"
    CLICKED = "clicked"


@dataclass(frozen=True, kw_only=True, slots=True)
class MailCounts:
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
        """Accepted, and neither returned nor dropped afterwards: what people complain of, open and click."""
        return max(0, self.accepted - self.bounced - self.dropped)

    def __add__(self, other: MailCounts) -> MailCounts:
        return MailCounts(
            **{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(MailCounts)}
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class MailRate:
    """A rate, with what it is made of."""

    #: Names of properties of MailCounts.
    numerator: str
    denominator: str
    count: int
    of: int
    #: False: nobody told of such outcomes, so that a zero would say what nobody knows (docs/decisions/0041).
    measured: bool = True

    @property
    def share(self) -> float | None:
        """As a share of 1; None: not measured, or of nothing (mail without a pixel has no open rate)."""
        return self.count / self.of if self.measured and self.of else None


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


#: The outcomes whose feeds measure a rate.
_MEASURED_BY = {
    "delivery_rate": Feedback.DELIVERED,
    "bounce_rate": Feedback.HARD_BOUNCED,
    "complaint_rate": Feedback.COMPLAINED,
    "unsubscribe_rate": Feedback.UNSUBSCRIBED,
}


def rates(counts: MailCounts, feeds: Collection[str]) -> dict[str, MailRate]:
    """The rates of some counts, by name. `feeds`: the sources that told of events in this time."""
    return {
        name: MailRate(
            numerator=numerator,
            denominator=denominator,
            count=getattr(counts, numerator),
            of=getattr(counts, denominator),
            measured=getattr(counts, numerator) > 0 or name not in _MEASURED_BY or tells_of(_MEASURED_BY[name], feeds),
        )
        for name, numerator, denominator in RATES
    }


def facts(counts: MailCounts, feeds: Collection[str]) -> dict[str, Any]:
    """Counts, sums and rates for programs: each rate with its numerator and denominator by name."""
    sums = {name: getattr(counts, name) for name in ("requested", "refused", "bounced", "reached")}
    of_each = {name: {**asdict(one), "share": one.share} for name, one in rates(counts, feeds).items()}
    return {**asdict(counts), **sums, "rates": of_each}


@dataclass(frozen=True, kw_only=True, slots=True)
class StatisticsRow:
    """One row of statistics: values of the dimensions that were asked for ("" of the others), and counts."""

    #: ISO date.
    day: str = ""
    sender_domain: str = ""
    task: str = ""
    #: None without the dimension. Tasks of one name, made one after the other, are different rows.
    task_id: int | None = None
    mailbox_provider: str = ""
    #: A value of MailKind.
    kind: str = ""
    counts: MailCounts
