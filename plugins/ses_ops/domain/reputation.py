"""The reputation of a sender domain: its levels, its figures, and the rules of the reference.

A rule compares whole numbers (`part * 1000` with `of * permille`), because 5.0 % is not less than 5 %, and a float
cannot tell. The figures are those of a day of *sending*: a bounce of yesterday's mail counts among yesterday's mail, so
that no rate exceeds 100 %. What counts in which figure is decided in docs/decisions/0045.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, Self

from ses_ops.domain.warmup import STANDARD_PLAN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: Messages a day of level 1, 2, ... 20.
LEVELS = STANDARD_PLAN
LOWEST, HIGHEST = 1, len(LEVELS)
#: Percent of the level's quota that a day must have attempted before it raises the level.
ENOUGH_PERCENT = 70
#: A day lowers or blocks only with more attempted messages than this. A rehearsal has the same floor.
FLOOR = 300
#: The window of a raise: back by whole days until it has this many messages and this many times its largest day.
WINDOW_MESSAGES, WINDOW_DAYS_OF_LARGEST = 1_000, 3
#: Number of quota days that the longest window has, and after which late events of a day change nothing any more.
LOOK_BACK_DAYS = 60
#: Percent of a day's mail that may still be deferred when the day raises the level.
MOST_DEFERRED_PERCENT = 10
#: The number of failures of our own side from which on a day alarms, and their percent of what was tried.
ALARM_MESSAGES, ALARM_PERCENT = 20, 10


def quota_of(level: int) -> int:
    """Messages a day of a level."""
    return LEVELS[level - 1]


class Ratio(NamedTuple):
    """A rate, as its numerator and denominator."""

    part: int
    of: int

    @property
    def percent(self) -> str:
        """Percent with two decimals, cut off: 8.999 % is shown as 8.99, never as 9.00."""
        hundredths = self.part * 10_000 // self.of if self.of else 0
        return f"{hundredths // 100}.{hundredths % 100:02}"


class Rate(StrEnum):
    """The five rates of a day or of a window."""

    #: Addresses that do not exist, refused at once or bounced hard, of attempted messages.
    INVALID = "invalid"
    #: Accepted messages that did not come back, of attempted ones with a final outcome.
    DELIVERED = "delivered"
    #: Refused or bounced as spam, of attempted messages.
    SPAM_BOUNCE = "spam_bounce"
    #: Complaints, of messages that were accepted and did not come back.
    COMPLAINT = "complaint"
    #: Messages opened by a person, of those with a pixel that did not come back.
    OPEN = "open"


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Numbers of messages of a sender domain and a day of sending, or of several days.

    Test sends and the simulators of providers are in none of them; suppressed messages and those in doubt neither.
    """

    #: The next server took them; some of these came back later.
    accepted: int = 0
    #: Refused while they were sent, by why (`domain/refusal_class.py`).
    invalid_refused: int = 0
    spam_refused: int = 0
    other_refused: int = 0
    infrastructure_refused: int = 0
    #: Of the accepted ones, by what became of them in the end (`domain/message_feedback.py`).
    deferred: int = 0
    dropped: int = 0
    hard_bounced: int = 0
    #: All soft bounces; of these the ones that call the mail spam, and the ones of our own side or of a server.
    soft_bounced: int = 0
    spam_bounced: int = 0
    infrastructure_bounced: int = 0
    complained: int = 0
    #: Accepted with a pixel, without those that bounced; and those of them that a person opened.
    opens_tracked: int = 0
    opened_people: int = 0

    def __add__(self, other: Figures) -> Figures:
        return Figures(**{one: getattr(self, one) + getattr(other, one) for one in _NAMES})

    @classmethod
    def read(cls, stored: Mapping[str, object]) -> Self:
        """The figures of a stored decision; a name that is not there is 0."""
        return cls(**{one: value for one in _NAMES if isinstance(value := stored.get(one), int)})

    @property
    def stored(self) -> dict[str, int]:
        """The figures by name."""
        return {one: getattr(self, one) for one in _NAMES}

    @property
    def taken(self) -> int:
        """Accepted messages that count: without those that the provider dropped or our own side brought back."""
        return max(0, self.accepted - self.dropped - self.infrastructure_bounced)

    @property
    def attempted(self) -> int:
        """The denominator: messages that were accepted, or refused for a reason of the audience or of the mail."""
        return self.taken + self.invalid_refused + self.spam_refused + self.other_refused

    @property
    def returned(self) -> int:
        """Accepted messages that came back, without those that our own side brought back."""
        return max(0, self.soft_bounced - self.infrastructure_bounced) + self.hard_bounced

    @property
    def infrastructure(self) -> int:
        """Failures of our own side or of servers on the way: they say nothing of the audience."""
        return self.infrastructure_refused + self.infrastructure_bounced

    def rate(self, rate: Rate) -> Ratio:
        """One of the five rates."""
        kept = max(0, self.taken - self.returned)
        match rate:
            case Rate.INVALID:
                return Ratio(self.invalid_refused + self.hard_bounced, self.attempted)
            case Rate.DELIVERED:
                return Ratio(max(0, kept - self.deferred), max(0, self.attempted - self.deferred))
            case Rate.SPAM_BOUNCE:
                return Ratio(self.spam_refused + self.spam_bounced, self.attempted)
            case Rate.COMPLAINT:
                return Ratio(self.complained, kept)
            case Rate.OPEN:
                # Opens of a small tracked part say nothing of the whole: then the rate is not known, and never good.
                known = self.opens_tracked * 2 >= kept
                return Ratio(self.opened_people, self.opens_tracked) if known else Ratio(0, 0)


_NAMES = tuple(one.name for one in fields(Figures))


class Threshold(NamedTuple):
    """A comparison of a rate: strictly above, or strictly below, some permille."""

    rate: Rate
    above: bool
    permille: int

    def holds(self, figures: Figures) -> bool:
        """Whether the rate is above (or below) the threshold. Nothing holds of a rate without a denominator."""
        part, of = figures.rate(self.rate)
        if of == 0:
            return False
        return part * 1000 > self.permille * of if self.above else part * 1000 < self.permille * of

    def distance(self, figures: Figures) -> int:
        """Number of messages, 1 or more, by which the rate's part has to change before `holds` says the opposite."""
        part, of = figures.rate(self.rate)
        edge = self.permille * of
        if self.above:
            return part - edge // 1000 if part * 1000 > edge else edge // 1000 + 1 - part
        return -(-edge // 1000) - part if part * 1000 < edge else part - (-(-edge // 1000) - 1)

    def excess(self, figures: Figures) -> Fraction:
        """The bad share as a multiple of the threshold's; above 1 where a threshold of what is bad holds."""
        part, of = figures.rate(self.rate)
        bad, edge = (part, self.permille) if self.above else (of - part, 1000 - self.permille)
        return Fraction(bad * 1000, edge * of) if of else Fraction(0)

    @property
    def percent(self) -> str:
        """The threshold in percent: `9`, `2.5`, `0.1`."""
        return f"{self.permille // 10}.{self.permille % 10}".removesuffix(".0")


#: The rules of the reference. A raise needs all of one rule; a lowering and a block need one threshold.
RAISES: tuple[tuple[Threshold, ...], ...] = (
    (
        Threshold(Rate.INVALID, False, 50),
        Threshold(Rate.DELIVERED, True, 920),
        Threshold(Rate.SPAM_BOUNCE, False, 25),
        Threshold(Rate.COMPLAINT, False, 1),
    ),
    (
        Threshold(Rate.DELIVERED, True, 900),
        Threshold(Rate.COMPLAINT, False, 1),
        Threshold(Rate.OPEN, True, 500),
    ),
)
LOWERS: tuple[Threshold, ...] = (
    Threshold(Rate.INVALID, True, 90),
    Threshold(Rate.DELIVERED, False, 650),
    Threshold(Rate.SPAM_BOUNCE, True, 50),
    Threshold(Rate.COMPLAINT, True, 5),
)
BLOCKS: tuple[Threshold, ...] = (Threshold(Rate.INVALID, True, 110), Threshold(Rate.SPAM_BOUNCE, True, 150))


def enough(figures: Figures, level: int) -> bool:
    """Whether a day has attempted enough of the level's quota to raise the level."""
    return figures.attempted * 100 >= ENOUGH_PERCENT * quota_of(level)


def good_by(figures: Figures) -> int | None:
    """The number (1 or 2) of the rule of a raise that figures satisfy; None: of neither."""
    return next((n for n, rule in enumerate(RAISES, 1) if all(one.holds(figures) for one in rule)), None)


def lowered_by(figures: Figures) -> Threshold | None:
    """The threshold by which a day lowers the level, the farthest passed of several; None: it does not."""
    return _passed(LOWERS, figures)


def blocked_by(figures: Figures) -> Threshold | None:
    """The threshold by which a day blocks the domain, the farthest passed of several; None: it does not."""
    return _passed(BLOCKS, figures)


def _passed(thresholds: Iterable[Threshold], figures: Figures) -> Threshold | None:
    if figures.attempted <= FLOOR:
        return None
    # A complaint rate of 2 % is worse than 12 % invalid addresses: each is measured by its own threshold.
    passed = [one for one in thresholds if one.holds(figures)]
    return max(passed, key=lambda one: one.excess(figures), default=None)


def alarms(figures: Figures) -> bool:
    """Whether failures of our own side are so many that a person should look."""
    tried = figures.attempted + figures.infrastructure
    return figures.infrastructure >= ALARM_MESSAGES and figures.infrastructure * 100 > ALARM_PERCENT * tried


def much_deferred(figures: Figures, waiting: int) -> bool:
    """Whether too much of a day's mail is deferred to raise the level; `waiting`: by servers while it was sent."""
    return (figures.deferred + waiting) * 100 > MOST_DEFERRED_PERCENT * (figures.attempted + waiting)


class DayFigures(NamedTuple):
    """The figures of a quota day, and when the day begins and ends."""

    starts_at: datetime
    ends_at: datetime
    figures: Figures


def window_of(days: Sequence[DayFigures], last: DayFigures) -> Sequence[DayFigures]:
    """The window that ends with the day `last`; `days`, oldest first, are all that may be looked at.

    It goes back by whole days until it has 1 000 messages and three times its largest day, so that one clean blast does
    not launder a bad mailing of the days before.
    """
    found: list[DayFigures] = []
    attempted = largest = 0
    for day in reversed([one for one in days if one.starts_at <= last.starts_at]):
        found.append(day)
        attempted += day.figures.attempted
        largest = max(largest, day.figures.attempted)
        if attempted >= max(WINDOW_MESSAGES, WINDOW_DAYS_OF_LARGEST * largest):
            break
    return found[::-1]


def total(days: Iterable[DayFigures]) -> Figures:
    """The sum of some days: numerators and denominators are added, percentages never averaged."""
    return sum((day.figures for day in days), Figures())
