"""A simulation of sixty days: the real rules of the reputation against a model of three mailbox providers.

The model is pure and in whole numbers, so that each run gives the same figures: `python -m bench.reputation_simulation`
writes reputation_simulation.json and the chart in docs/images, and a test holds that both are what the script gives. It
shows how the rules behave; it is no forecast of what a real provider does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.reputation_chart import chart
from ses_ops.domain.reputation import DayFigures, Figures, Rate, quota_of
from ses_ops.domain.reputation_decision import DecisionKind
from ses_ops.domain.reputation_judgement import PastDecisions, judge
from ses_ops.domain.reputation_state import ReputationState
from ses_ops.domain.warmup import STANDARD_PLAN, ReputationPlan

RESULTS = Path(__file__).with_suffix(".json")
CHART = Path(__file__).parents[1] / "docs" / "images" / "reputation-simulation.svg"
DAYS, SLICES = 60, 8
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
#: Messages of a day that a provider refuses as spam, beyond which its trust does not come back.
MANY_REFUSED = 10_000
PLAN = ReputationPlan()


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A mailbox provider. Shares are in permille."""

    name: str
    #: Part of the recipients.
    share: int
    #: How many times the mail that it is used to it takes on a day; more is deferred.
    growth: int
    #: Whether it refuses wrong addresses at once; else it takes them, and they come back a day later.
    refuses_at_once: bool
    #: Days after which it reports complaints; None: it reports none, and remembers them all the same.
    reports_after: int | None
    #: Loss of trust for each permille of wrong addresses above 20, and of complaints above 1.
    minds_addresses: int
    minds_complaints: int


PROVIDERS = (
    Provider(
        name="large",
        share=500,
        growth=4,
        refuses_at_once=True,
        reports_after=None,
        minds_addresses=2,
        minds_complaints=60,
    ),
    Provider(
        name="strict",
        share=300,
        growth=3,
        refuses_at_once=True,
        reports_after=1,
        minds_addresses=4,
        minds_complaints=40,
    ),
    Provider(
        name="plain",
        share=200,
        growth=10,
        refuses_at_once=False,
        reports_after=2,
        minds_addresses=1,
        minds_complaints=20,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Mailing:
    """What a domain wants to send on a day: messages, and permille of wrong addresses and of people who complain."""

    wanted: int
    wrong: int
    #: In ten thousandths, since one in a thousand is already too many.
    complaining: int


@dataclass
class Mailbox:
    """A provider's view of one sender domain."""

    provider: Provider
    #: Messages a day that it is used to.
    used_to: int = 300
    #: 0 to 1000; below 700 it refuses a part as spam.
    trust: int = 800
    today: Figures = field(default_factory=Figures)
    complaints: int = 0

    def take(self, count: int, mailing: Mailing) -> tuple[Figures, int]:
        """What becomes of `count` messages at once, and the number of the deferred ones."""
        room = self.provider.growth * self.used_to - self.today.attempted
        deferred = max(0, count - max(0, room))
        tried = count - deferred
        wrong = tried * mailing.wrong // 1000
        spam = (tried - wrong) * max(0, 700 - self.trust) // 1000
        accepted = tried - spam - (wrong if self.provider.refuses_at_once else 0)
        invalid = wrong if self.provider.refuses_at_once else 0
        new = Figures(accepted=accepted, invalid_refused=invalid, spam_refused=spam)
        self.today += new
        return new, deferred

    def night(self, mailing: Mailing) -> tuple[int, int]:
        """The day ends: the provider thinks of it what it thinks. Returns its bounces and its complaints, both late."""
        taken = self.today.accepted
        bounced = 0 if self.provider.refuses_at_once else taken * mailing.wrong // 1000
        complaints = (taken - bounced) * mailing.complaining // 10_000
        if self.today.attempted:
            wrong = 1000 * (self.today.invalid_refused + bounced) // self.today.attempted
            lost = max(0, wrong - 20) * self.provider.minds_addresses
            lost += max(0, mailing.complaining - 10) * self.provider.minds_complaints // 10
            if self.today.spam_refused > MANY_REFUSED:
                lost += 10
            self.trust = max(0, min(1000, self.trust + (35 if not lost else -lost)))
        self.used_to = max(300, (2 * self.used_to + taken) // 3, min(taken, self.used_to * 2))
        self.today = Figures()
        return bounced, complaints


@dataclass
class Sender:
    """A sender domain, led by the real rules or by a calendar."""

    mailing: Callable[[int], Mailing]
    led: bool = True
    mailboxes: list[Mailbox] = field(default_factory=lambda: [Mailbox(one) for one in PROVIDERS])
    state: ReputationState = field(default_factory=lambda: ReputationState(sender_domain="mail.example", level=1))
    days: list[DayFigures] = field(default_factory=list)
    past: PastDecisions = field(default_factory=PastDecisions)
    #: (day on which events come, day of sending, what they say)
    late: list[tuple[int, int, Figures]] = field(default_factory=list)

    def day(self, number: int) -> dict[str, Any]:
        """One day of the simulation, as a row of the results."""
        mailing = self.mailing(number)
        start = FIRST + number * DAY
        self.days.append(DayFigures(start, start + DAY, Figures()))
        for _, of, told in [one for one in self.late if one[0] == number]:
            self.days[of] = self.days[of]._replace(figures=self.days[of].figures + told)
        kinds, waiting, sent = [], 0, 0
        for _ in range(SLICES):
            count = min(-(-mailing.wanted // SLICES), max(0, self.quota(number) - sent), mailing.wanted - sent)
            waiting = 0
            for box in self.mailboxes:
                new, deferred = box.take(count * box.provider.share // 1000, mailing)
                self.days[number] = self.days[number]._replace(figures=self.days[number].figures + new)
                waiting += deferred
                sent += new.attempted
            kinds += self.judge(number, waiting)
        for box in self.mailboxes:
            bounced, complaints = box.night(mailing)
            self.late.append((number + 1, number, Figures(hard_bounced=bounced)))
            if box.provider.reports_after is not None:
                self.late.append((number + box.provider.reports_after, number, Figures(complained=complaints)))
        return self.row(number, kinds)

    def quota(self, number: int) -> int:
        """The messages of the day."""
        if not self.led:
            return STANDARD_PLAN[min(number, len(STANDARD_PLAN) - 1)]
        start = FIRST + number * DAY
        return 0 if self.state.blocked_at(start + DAY / 2) else quota_of(self.state.level_on(start, PLAN))

    def judge(self, number: int, waiting: int) -> list[str]:
        """Judge as the application does after each run; returns the kinds of the decisions."""
        found = judge(
            PLAN, self.state, self.days[:number], self.days[number], past=self.past, measured=True, waiting=waiting
        )
        self.state = found.state
        for one in found.decisions:
            assert one.of_day is not None
            if one.kind is DecisionKind.LOWER:
                self.past = replace(self.past, lowered=self.past.lowered | {one.of_day})
            if one.kind is DecisionKind.BLOCK:
                self.past = replace(self.past, blocked=self.past.blocked | {one.of_day})
        return [one.kind.value for one in found.decisions]

    def row(self, number: int, kinds: list[str]) -> dict[str, Any]:
        figures = self.days[number].figures
        return {
            "level": self.state.level_on(FIRST + number * DAY, PLAN) if self.led else min(number + 1, 20),
            "attempted": figures.attempted,
            "accepted": figures.accepted,
            "decisions": kinds,
            "trust": [box.trust for box in self.mailboxes],
        }

    def final_rates(self) -> list[dict[str, str]]:
        """The rates of each day in the end, with all that was told late, in percent."""
        rates = (Rate.INVALID, Rate.SPAM_BOUNCE, Rate.COMPLAINT)
        return [{rate.value: day.figures.rate(rate).percent for rate in rates} for day in self.days]


def good(_: int) -> Mailing:
    return Mailing(wanted=1_000_000, wrong=8, complaining=3)


def bought(_: int) -> Mailing:
    return Mailing(wanted=1_000_000, wrong=140, complaining=60)


def one_bad_mailing(number: int) -> Mailing:
    """A good list, and on three days of the fourth week an old one from a drawer."""
    return Mailing(wanted=1_000_000, wrong=130, complaining=90) if 24 <= number <= 26 else good(number)


#: The lines of the chart.
SENDERS: dict[str, Callable[[], Sender]] = {
    "a good list": lambda: Sender(mailing=good),
    "a good list, an old one on days 25 to 27": lambda: Sender(mailing=one_bad_mailing),
    "the same by the calendar alone": lambda: Sender(mailing=one_bad_mailing, led=False),
    "a bought list": lambda: Sender(mailing=bought),
}


def simulate() -> dict[str, list[dict[str, Any]]]:
    """The rows of all days by sender."""
    found = {}
    for name, make in SENDERS.items():
        sender = make()
        rows = [sender.day(number) for number in range(DAYS)]
        found[name] = [row | rates for row, rates in zip(rows, sender.final_rates(), strict=True)]
    return found


def as_text(results: dict[str, list[dict[str, Any]]]) -> str:
    """The results as they are committed: a line a day."""
    parts = [
        f"  {json.dumps(name)}: [\n    " + ",\n    ".join(json.dumps(row) for row in rows) + "\n  ]"
        for name, rows in results.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    """Write the figures and the chart."""
    results = simulate()
    RESULTS.write_text(as_text(results), encoding="utf-8")
    CHART.write_text(chart(results), encoding="utf-8")


if __name__ == "__main__":
    main()
