"""The judging of a sender domain's reputation: its days and its former decisions give the new ones.

A pure function of its arguments: the same figures, however often and by whomever they are judged, change a level once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ses_ops.domain.reputation import (
    LOWEST,
    DayFigures,
    Figures,
    Rate,
    alarms,
    blocked_by,
    enough,
    good_by,
    lowered_by,
    much_deferred,
    quota_of,
    total,
    window_of,
)
from ses_ops.domain.reputation_decision import DecisionKind, NewDecision
from ses_ops.domain.reputation_state import ReputationState
from ses_ops.errors import Explanation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ses_ops.domain.reputation import Threshold
    from ses_ops.domain.warmup import ReputationPlan


@dataclass(frozen=True, kw_only=True, slots=True)
class PastDecisions:
    """What was decided of the days that are judged: each day lowers, blocks and alarms once."""

    lowered: frozenset[datetime] = frozenset()
    blocked: frozenset[datetime] = frozenset()
    alarmed: frozenset[datetime] = frozenset()
    #: Days before this one lower nothing: the first judging, or the end of a pin. None: no such moment.
    lower_from: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """The result: the state from now on, the decisions in their order, and what holds a raise back that is due."""

    state: ReputationState
    decisions: tuple[NewDecision, ...] = ()
    held: Explanation | None = None


@dataclass(slots=True)
class _Judge:
    plan: ReputationPlan
    state: ReputationState
    #: All days that may be looked at, oldest first, with today as the last.
    days: Sequence[DayFigures]
    past: PastDecisions
    measured: bool
    #: Messages of today that a server deferred while they were sent.
    waiting: int
    decisions: list[NewDecision] = field(default_factory=list)
    held: Explanation | None = None

    def run(self) -> Judgement:
        today = self.days[-1]
        judged = self.state.judged_day
        for day in self.days:
            if day is today or (judged is not None and day.starts_at >= judged):
                self._judge_day(day, missed=day is not today, late=judged == day.starts_at)
        state = replace(self.state, judged_day=today.starts_at)
        return Judgement(state=state, decisions=tuple(self.decisions), held=self.held)

    def _judge_day(self, day: DayFigures, *, missed: bool, late: bool) -> None:
        """Judge a day. `missed`: it is over. `late`: it was judged while it lasted; it lowers from tomorrow."""
        self._begin(day)
        if not missed:
            self._block(day)
        self._alarm(day)
        if self.state.pinned_level is not None:
            return
        if not missed:
            for one in self.days:
                self._lower(one, found_on=day)
        elif not late:
            self._lower(day, found_on=day)
        self._raise(day, missed=missed)

    def _begin(self, day: DayFigures) -> None:
        """A lowering takes effect with the first day on or after its own."""
        if self.state.next_day is not None and day.starts_at >= self.state.next_day:
            level = self.state.computed_level(day.starts_at)
            self.state = replace(self.state, level=level, next_level=None, next_day=None)

    def _raise(self, day: DayFigures, *, missed: bool) -> None:
        if self._working >= self.state.cap(self.plan) or not enough(day.figures, self._working):
            return
        window = window_of(self.days, day)
        figures = total(window)
        rule, rule_of_window = good_by(day.figures), good_by(figures)
        if rule is None or rule_of_window is None or day.starts_at in self._lowered or lowered_by(day.figures):
            return
        while (level := self._working) < self.state.cap(self.plan) and enough(day.figures, level):
            if hold := self._hold(day, missed=missed):
                self.held = hold
                return
            pending = None if self.state.next_level is None else self.state.next_level + 1
            self.state = replace(self.state, level=level + 1, next_level=pending)
            attempted = day.figures.attempted
            code = "reputation_raised_1" if rule == 1 else "reputation_raised_2"
            why = Explanation(
                code, level=level + 1, quota=quota_of(level + 1), attempted=attempted, before=quota_of(level)
            )
            self._decide(DecisionKind.RAISE, day, day, level, level + 1, why, day.starts_at, window=window)

    def _hold(self, day: DayFigures, *, missed: bool) -> Explanation | None:
        if not self.measured:
            return Explanation("reputation_unmeasured", domain=self.state.sender_domain)
        waiting = 0 if missed else self.waiting
        if much_deferred(day.figures, waiting):
            return Explanation(
                "reputation_much_deferred",
                deferred=day.figures.deferred + waiting,
                total=day.figures.attempted + waiting,
            )
        return None

    def _lower(self, day: DayFigures, *, found_on: DayFigures) -> None:
        start = day.starts_at
        if start in self._lowered or (self.past.lower_from is not None and start < self.past.lower_from):
            return
        passed = lowered_by(day.figures)
        if passed is None:
            return
        before = self._working if self.state.next_level is None else self.state.next_level
        after = max(LOWEST, before - 1)
        self.state = replace(self.state, next_level=after, next_day=found_on.ends_at)
        why = _why(_LOWERED, passed, day.figures, level=after, quota=quota_of(after))
        self._decide(DecisionKind.LOWER, day, found_on, before, after, why, found_on.ends_at)

    def _block(self, day: DayFigures) -> None:
        passed = blocked_by(day.figures)
        if passed is None or day.starts_at in self.past.blocked or self.state.blocked_at(day.ends_at):
            return
        why = _why(_BLOCKED, passed, day.figures)
        self.state = replace(self.state, blocked_until=day.ends_at, blocked_why=why)
        level = self._working
        self._decide(DecisionKind.BLOCK, day, day, level, level, why, day.starts_at)

    def _alarm(self, day: DayFigures) -> None:
        if day.starts_at in self.past.alarmed or not alarms(day.figures):
            return
        figures = day.figures
        tried = figures.attempted + figures.infrastructure
        why = Explanation(
            "reputation_alarm", count=figures.infrastructure, total=tried, domain=self.state.sender_domain
        )
        level = self._working
        self._decide(DecisionKind.ALARM, day, day, level, level, why, day.starts_at)

    @property
    def _working(self) -> int:
        """The level that figures change: not above its caps."""
        return min(self.state.level, self.state.cap(self.plan))

    @property
    def _lowered(self) -> frozenset[datetime]:
        made = (one.of_day for one in self.decisions if one.kind is DecisionKind.LOWER and one.of_day is not None)
        return self.past.lowered.union(made)

    def _decide(
        self,
        kind: DecisionKind,
        of_day: DayFigures,
        found_on: DayFigures,
        before: int,
        after: int,
        why: Explanation,
        effective_at: datetime,
        window: Sequence[DayFigures] = (),
    ) -> None:
        self.decisions.append(
            NewDecision(
                kind=kind,
                quota_day=found_on.starts_at,
                of_day=of_day.starts_at,
                effective_at=effective_at,
                level_before=before,
                level_after=after,
                why=why,
                figures=of_day.figures,
                window=total(window) if window else None,
                window_from=window[0].starts_at if window else None,
            )
        )


def judge(
    plan: ReputationPlan,
    state: ReputationState,
    days: Sequence[DayFigures],
    today: DayFigures,
    *,
    past: PastDecisions,
    measured: bool,
    waiting: int = 0,
) -> Judgement:
    """Judge a domain on the quota day `today`; `days`, oldest first, are those before it that have figures.

    Days that nobody judged while they lasted are judged one by one, each as it would have been; then today is, and with
    it what late events say of earlier days. `waiting`: messages of today that a server deferred while they were sent.
    """
    reset = state.reset_at
    seen = [one for one in days if one.starts_at < today.starts_at and (reset is None or one.starts_at >= reset)]
    if reset is not None and today.starts_at < reset:
        today = today._replace(figures=Figures())
    return _Judge(plan=plan, state=state, days=[*seen, today], past=past, measured=measured, waiting=waiting).run()


_LOWERED = {
    Rate.INVALID: "reputation_lowered_invalid",
    Rate.DELIVERED: "reputation_lowered_undelivered",
    Rate.SPAM_BOUNCE: "reputation_lowered_spam",
    Rate.COMPLAINT: "reputation_lowered_complaint",
}
_BLOCKED = {Rate.INVALID: "reputation_blocked_invalid", Rate.SPAM_BOUNCE: "reputation_blocked_spam"}


def _why(codes: Mapping[Rate, str], passed: Threshold, figures: Figures, **facts: int) -> Explanation:
    """Why a threshold was passed: the rate with its numbers, and the threshold."""
    ratio = figures.rate(passed.rate)
    numbers = {"count": ratio.part, "total": ratio.of, "percent": ratio.percent, "threshold": passed.percent}
    return Explanation(codes[passed.rate], **numbers, **facts)
