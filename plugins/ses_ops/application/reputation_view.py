"""The reputation of a sender domain as pages show it: level, figures with their distances, what comes next, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.application.judge_reputation import judged_case, read_case
from ses_ops.domain.reputation import (
    BLOCKS,
    ENOUGH_PERCENT,
    LOOK_BACK_DAYS,
    LOWERS,
    RAISES,
    DayFigures,
    Figures,
    Rate,
    Ratio,
    Threshold,
    quota_of,
    total,
    window_of,
)
from ses_ops.domain.reputation_state import ReputationState, start_level
from ses_ops.errors import Explanation
from ses_ops.storage.connection import transaction
from ses_ops.storage.reputation import decisions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.judge_reputation import Case
    from ses_ops.domain.reputation_decision import Decision
    from ses_ops.domain.warmup import QuotaDay, QuotaPlans, ReputationPlan

#: Number of decisions that a view has.
SHOWN_DECISIONS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """A threshold and where today's rate stands to it."""

    threshold: Threshold
    #: `raise_1`, `raise_2` (what has to hold for a raise), `lower` or `block` (what must not hold).
    rule: str
    #: Whether the comparison holds today, and in the window.
    holds: bool
    holds_in_window: bool
    #: Number of today's messages, 1 or more, that would have to turn out otherwise before it no longer holds, or does.
    distance: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RateLine:
    """One of the five rates, with its limits."""

    rate: Rate
    today: Ratio
    window: Ratio
    limits: tuple[Limit, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class NextRaise:
    """What raises the level next."""

    level: int
    quota: int
    #: Messages that today has to attempt in all, and how many of them are still to come.
    needed: int
    missing: int
    #: The thresholds that do not hold, today or in the window, of the rule that is nearer; empty: the rates are good.
    unmet: tuple[Threshold, ...]
    #: What holds a raise back whatever the rates are: nothing measures the domain, or much is deferred.
    held: Explanation | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReputationDay:
    """A quota day of the chart."""

    starts_at: datetime
    ends_at: datetime
    #: The level at the end of the day (of today: now); None: not judged yet.
    level: int | None
    figures: Figures


@dataclass(frozen=True, kw_only=True, slots=True)
class ReputationView:
    """The reputation of a domain now."""

    sender_domain: str
    plan: ReputationPlan
    day: QuotaDay
    #: None: it was not judged yet; then the level is that at which it begins.
    state: ReputationState | None
    #: The level that holds today, and its messages a day. What the quota is in the end says `application/quota_status`.
    level: int
    quota: int
    #: The highest level, by the plan and by a person.
    cap: int
    #: Whether a feed would tell of bounces and complaints.
    measured: bool
    today: Figures
    #: The window that ends with today, and its first day.
    window: Figures
    window_from: datetime
    rates: tuple[RateLine, ...]
    #: None: the level is pinned, or the highest that may be reached.
    next_raise: NextRaise | None
    #: Newest first.
    decisions: list[Decision]
    #: Oldest first, with today as the last; days without mail are left out.
    days: list[ReputationDay]


def reputation_of(
    conn: Connection, plans: QuotaPlans, domain: str, *, days: int = LOOK_BACK_DAYS
) -> ReputationView | None:
    """The reputation of a sender domain; None: its plan has no reputation. Locks nothing.

    Raises QuotaError when the plan is wrong or missing, WarmupNotBegun, DatabaseUnavailable.
    """
    plan = plans[domain]
    if plan.reputation is None:
        return None
    with transaction(conn):
        case = read_case(conn, plan)
        since = case.day.starts_at - days * plan.day_length
        made = decisions.of_domain(conn, domain, since=since, limit=SHOWN_DECISIONS)
        before = decisions.of_domain(conn, domain, limit=10_000)
    return _view(case, plan.reputation, made, _levels(before), since)


def _view(
    case: Case,
    plan: ReputationPlan,
    made: list[Decision],
    levels: Sequence[tuple[datetime, int]],
    since: datetime,
) -> ReputationView:
    state = case.state or ReputationState(sender_domain=case.plan.domain, level=start_level(plan, case.day.allotment))
    level = state.level_on(case.day.starts_at, plan)
    seen = [one for one in case.days if state.reset_at is None or one.starts_at >= state.reset_at]
    window = window_of([*seen, case.today], case.today)
    figures = total(window)
    return ReputationView(
        sender_domain=case.plan.domain,
        plan=plan,
        day=case.day,
        state=case.state,
        level=level,
        quota=quota_of(level),
        cap=state.cap(plan),
        measured=case.evidence.measured,
        today=case.today.figures,
        window=figures,
        window_from=window[0].starts_at,
        rates=tuple(_rate(rate, case.today.figures, figures) for rate in Rate),
        next_raise=_next_raise(case, state, plan, figures),
        decisions=made,
        days=[_day(one, levels, level, case.today) for one in [*case.days, case.today] if one.starts_at >= since],
    )


def _rate(rate: Rate, today: Figures, window: Figures) -> RateLine:
    named = [(f"raise_{n}", one) for n, rule in enumerate(RAISES, 1) for one in rule]
    named += [("lower", one) for one in LOWERS] + [("block", one) for one in BLOCKS]
    limits = tuple(
        Limit(
            threshold=one,
            rule=rule,
            holds=one.holds(today),
            holds_in_window=one.holds(window),
            distance=one.distance(today),
        )
        for rule, one in named
        if one.rate is rate
    )
    return RateLine(rate=rate, today=today.rate(rate), window=window.rate(rate), limits=limits)


def _next_raise(case: Case, state: ReputationState, plan: ReputationPlan, window: Figures) -> NextRaise | None:
    level = state.level_on(case.day.starts_at, plan)
    if state.pinned_level is not None or level >= state.cap(plan):
        return None
    today = case.today.figures
    needed = -(-quota_of(level) * ENOUGH_PERCENT // 100)
    unmet = [tuple(one for one in rule if not (one.holds(today) and (one.holds(window)))) for rule in RAISES]
    return NextRaise(
        level=level + 1,
        quota=quota_of(level + 1),
        needed=needed,
        missing=max(0, needed - today.attempted),
        unmet=min(unmet, key=len),
        held=judged_case(case).held
        if case.evidence.measured
        else Explanation("reputation_unmeasured", domain=case.plan.domain),
    )


def _levels(made: list[Decision]) -> list[tuple[datetime, int]]:
    """(moment, level from then on), oldest first."""
    changes = [(one.effective_at, one.id, one.level_after) for one in made if one.level_after is not None]
    return [(at, level) for at, _, level in sorted(changes)]


def _day(day: DayFigures, levels: Sequence[tuple[datetime, int]], now: int, today: DayFigures) -> ReputationDay:
    at_its_end = [level for at, level in levels if at < day.ends_at]
    level = now if day is today else at_its_end[-1] if at_its_end else None
    return ReputationDay(starts_at=day.starts_at, ends_at=day.ends_at, level=level, figures=day.figures)
