"""Use case: the reputation of sender domains is judged, and their levels are raised, lowered or blocked.

Whoever judges holds the row of the domain, so two at once change a level once. Figures are read once without a lock;
only when they lead to a decision are they read again while no attempt ends and no event is recorded, so that the stored
figures are exactly those of the decision's moment (`application/replay_reputation.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from ses_ops.domain.clock import from_wall_clock, to_wall_clock, zone
from ses_ops.domain.reputation import LOOK_BACK_DAYS, DayFigures, Figures, quota_of
from ses_ops.domain.reputation_decision import Decision, DecisionKind, NewDecision
from ses_ops.domain.reputation_judgement import Judgement, PastDecisions, judge
from ses_ops.domain.reputation_state import ReputationState, start_level
from ses_ops.domain.warmup import QuotaDay, WarmupPlan, quota_day
from ses_ops.errors import Explanation, QuotaError, WarmupNotBegun
from ses_ops.storage.connection import database_now, transaction
from ses_ops.storage.quota import sender_domains
from ses_ops.storage.reputation import decisions, figures, states

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.warmup import QuotaPlans
    from ses_ops.storage.reputation.figures import Evidence


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """The result of judging a domain."""

    sender_domain: str
    #: The level of today, by the pin, the caps and the figures.
    level: int
    #: Whether the level was raised now.
    raised: bool
    decisions: list[Decision]
    #: Why a raise that is due is not made.
    held: Explanation | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """Everything that the judging of a domain needs, as it was read at one moment."""

    plan: WarmupPlan
    day: QuotaDay
    state: ReputationState | None
    days: Sequence[DayFigures]
    today: DayFigures
    past: PastDecisions
    evidence: Evidence


def judge_domain(conn: Connection, plan: WarmupPlan) -> Judged | None:
    """Judge a domain in a transaction of its own; None: its plan has no reputation. Safe to repeat.

    Raises WarmupNotBegun, DatabaseUnavailable.
    """
    if plan.reputation is None:
        return None
    with transaction(conn):
        sender_domains.lock_domain(conn, plan.domain)
        return judge_locked(conn, plan)


def judge_locked(conn: Connection, plan: WarmupPlan) -> Judged | None:
    """As `judge_domain`, within the transaction of a caller who holds the domain's row."""
    if plan.reputation is None:
        return None
    case = read_case(conn, plan)
    found = judged_case(case)
    if case.state is None or found.decisions:
        now = figures.hold_writers(conn, plan.domain)
        return _write(conn, read_case(conn, plan), now)
    states.note_judged(conn, plan.domain, case.day.starts_at)
    return _judged(case, found, [])


def judge_all(conn: Connection, plans: QuotaPlans) -> list[Judged]:
    """Judge all domains whose plans have a reputation, each in a transaction of its own.

    Most have nothing to decide: these are read in a few statements for all. A domain whose plan is wrong, or whose
    warm-up has not begun, is left out. Raises DatabaseUnavailable.
    """
    wanted = [plan for plan in plans.checked.values() if isinstance(plan, WarmupPlan) and plan.reputation is not None]
    with transaction(conn):
        cases = [(one, judged_case(one)) for one in read_cases(conn, wanted)]
        settled = [(one, found) for one, found in cases if one.state is not None and not found.decisions]
        states.note_all_judged(conn, {one.plan.domain: one.day.starts_at for one, _ in settled})
    judged = {one.plan.domain: _judged(one, found, []) for one, found in settled}
    for case, _ in cases:
        if case.plan.domain not in judged:
            try:
                decided = judge_domain(conn, case.plan)
            except QuotaError:
                continue
            if decided is not None:
                judged[case.plan.domain] = decided
    return list(judged.values())


def read_case(conn: Connection, plan: WarmupPlan) -> Case:
    """What the judging of a domain needs. Raises WarmupNotBegun."""
    while not (cases := read_cases(conn, [plan])):
        # Raises, unless the first day has begun since the look above.
        quota_day(plan, database_now(conn), rehearsal_began_at=sender_domains.rehearsal_began_at(conn, plan))
    return cases[0]


def read_cases(conn: Connection, plans: Sequence[WarmupPlan]) -> list[Case]:
    """What the judging of several domains needs; without those whose warm-up has not begun."""
    now = database_now(conn)
    began = _rehearsals(conn, plans)
    of_today: dict[str, tuple[WarmupPlan, QuotaDay, datetime | None]] = {}
    for plan in plans:
        first = began.get((plan.domain, plan.rehearsal_key)) if plan.rehearsal_counts_from_first_use else None
        try:
            of_today[plan.domain] = (plan, quota_day(plan, now, rehearsal_began_at=first), first)
        except WarmupNotBegun:
            continue
    since = {domain: day.starts_at - LOOK_BACK_DAYS * plan.day_length for domain, (plan, day, _) in of_today.items()}
    known, stored = figures.by_day(conn, since), states.of_domains(conn, list(since))
    evidence, past = figures.evidence(conn, list(since)), decisions.past_of(conn, since)
    cases = []
    for domain, (plan, day, first) in of_today.items():
        days = [DayFigures(at, _end_of(plan, at, first), of) for at, of in known[domain] if at != day.starts_at]
        today = next((of for at, of in known[domain] if at == day.starts_at), Figures())
        cases.append(
            Case(
                plan=plan,
                day=day,
                state=stored.get(domain),
                days=days,
                today=DayFigures(day.starts_at, day.ends_at, today),
                past=past.get(domain, PastDecisions()),
                evidence=evidence[domain],
            )
        )
    return cases


def judged_case(case: Case) -> Judgement:
    """What the figures of a domain lead to."""
    assert case.plan.reputation is not None
    state, _ = _opened(case)
    return judge(
        case.plan.reputation,
        state,
        case.days,
        case.today,
        past=case.past if case.state is not None else replace(case.past, lower_from=case.day.starts_at),
        measured=case.evidence.measured,
        waiting=case.evidence.waiting,
    )


def _opened(case: Case) -> tuple[ReputationState, NewDecision | None]:
    """The state of a domain, and the decision that begins it when it has none."""
    if case.state is not None:
        return case.state, None
    assert case.plan.reputation is not None
    level = start_level(case.plan.reputation, case.day.allotment)
    begun = NewDecision(
        kind=DecisionKind.START,
        quota_day=case.day.starts_at,
        of_day=None,
        effective_at=case.day.starts_at,
        level_before=None,
        level_after=level,
        why=Explanation("reputation_started", level=level, quota=quota_of(level)),
    )
    return ReputationState(sender_domain=case.plan.domain, level=level), begun


def _write(conn: Connection, case: Case, now: datetime) -> Judged:
    assert case.plan.reputation is not None
    _, begun = _opened(case)
    judgement = judged_case(case)
    states.write(conn, judgement.state)
    states.note_judged(conn, case.plan.domain, case.day.starts_at)
    new = [*([] if begun is None else [begun]), *judgement.decisions]
    shadow = case.plan.reputation.shadow
    made = [decisions.insert(conn, case.plan.domain, one, decided_at=now, shadow=shadow) for one in new]
    return _judged(case, judgement, made)


def _judged(case: Case, judgement: Judgement, made: list[Decision]) -> Judged:
    assert case.plan.reputation is not None
    return Judged(
        sender_domain=case.plan.domain,
        level=judgement.state.level_on(case.day.starts_at, case.plan.reputation),
        raised=any(one.kind is DecisionKind.RAISE for one in made),
        decisions=made,
        held=judgement.held,
    )


def _rehearsals(conn: Connection, plans: Iterable[WarmupPlan]) -> Mapping[tuple[str, str], datetime]:
    if any(plan.rehearsal_counts_from_first_use for plan in plans):
        return sender_domains.rehearsals_began_at(conn)
    return {}


def _end_of(plan: WarmupPlan, starts_at: datetime, began: datetime | None) -> datetime:
    """The end of a day of sending, which may be of the plan before an edit."""
    if plan.is_rehearsal:
        try:
            return quota_day(plan, starts_at, rehearsal_began_at=began).ends_at
        except WarmupNotBegun:
            return starts_at + plan.day_length
    # Real days are those of the zone: of a thousand domains in one zone each is worked out once.
    return _end_in_zone(plan.time_zone, starts_at)


@lru_cache(maxsize=10_000)
def _end_in_zone(time_zone: str, starts_at: datetime) -> datetime:
    """The next midnight of a zone."""
    tz = zone(time_zone)
    today = to_wall_clock(starts_at, tz).date()
    return from_wall_clock(datetime.combine(today + timedelta(days=1), time()), tz)
