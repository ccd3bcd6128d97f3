"""Use cases of persons about the reputation of a sender domain: pin, unpin, cap, block, reset.

Each is one transaction under the lock of the domain's row, by which the judge changes levels too. It writes the new
state, one row of `reputation_decision` with the person and the reason, and an entry of the audit log. A person's word
holds until it is taken back, whatever the figures say. The end of a block is `application/blocked_mail.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ses_ops.application.changed import Changed, RunWanted
from ses_ops.domain.occurrence import RunKind
from ses_ops.domain.reputation import HIGHEST, LOWEST, quota_of
from ses_ops.domain.reputation_decision import DecisionKind, NewDecision
from ses_ops.domain.reputation_state import ReputationState, start_level
from ses_ops.domain.warmup import ReputationPlan, quota_day
from ses_ops.errors import Conflict, Explanation, InvalidInput, ResumeNotAllowed
from ses_ops.sending.waiting_mail import go_on_within_the_day
from ses_ops.storage.connection import database_now, transaction
from ses_ops.storage.ledger import waiting
from ses_ops.storage.quota import sender_domains
from ses_ops.storage.reputation import decisions, states
from ses_ops.storage.stored_moments import LAST

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.domain.warmup import QuotaDay, QuotaPlans, WarmupPlan

#: Most characters of a reason.
LONGEST_REASON = 500
#: How a calendar plan without a reputation is read: as one that a level would guard.
_CALENDAR = ReputationPlan(guard=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReputationDecided(Changed):
    """The result of a person's decision: the levels that hold before and after it."""

    level_before: int
    level_after: int


def pin(
    conn: Connection, actor: Actor, plans: QuotaPlans, domain: str, level: int, *, reason: str
) -> ReputationDecided:
    """Hold a level from 1 to 20, whatever the figures say. Raises InvalidInput, QuotaError: no valid plan."""

    def act(one: _Case) -> _Decided:
        _check_level(level)
        why = Explanation("reputation_pinned", level=level, quota=quota_of(level))
        return one.decided(DecisionKind.PIN, why, pinned_level=level)

    return _decide(conn, actor, "pin_reputation", plans, domain, reason, act, level=level)


def unpin(conn: Connection, actor: Actor, plans: QuotaPlans, domain: str, *, reason: str) -> ReputationDecided:
    """Let the figures lead the level again. Raises Conflict: it is not pinned."""

    def act(one: _Case) -> _Decided:
        if one.state.pinned_level is None:
            raise Conflict("reputation_not_pinned", name=domain)
        level = one.level_of(replace(one.state, pinned_level=None))
        return one.decided(DecisionKind.UNPIN, Explanation("reputation_unpinned", level=level), pinned_level=None)

    return _decide(conn, actor, "unpin_reputation", plans, domain, reason, act)


def cap(
    conn: Connection, actor: Actor, plans: QuotaPlans, domain: str, level: int | None, *, reason: str
) -> ReputationDecided:
    """Set the highest level; None takes it away. A higher level comes down to it at once. Raises InvalidInput."""

    def act(one: _Case) -> _Decided:
        if level is None:
            return one.decided(DecisionKind.CAP, Explanation("reputation_cap_taken_away"), max_level=None)
        _check_level(level)
        why = Explanation("reputation_capped", level=level, quota=quota_of(level))
        return one.decided(DecisionKind.CAP, why, max_level=level)

    return _decide(conn, actor, "cap_reputation", plans, domain, reason, act, level=level)


def block(
    conn: Connection, actor: Actor, plans: QuotaPlans, domain: str, *, reason: str, today: bool = False
) -> ReputationDecided:
    """Let nothing leave until a person releases the domain, or until the quota day ends (`today`).

    A block that lasts longer stays: only `release_blocked` and `reset` end one.
    """

    def act(one: _Case) -> _Decided:
        until = max(one.day.ends_at, one.state.blocked_until or one.day.ends_at) if today else LAST
        for_today = until == one.day.ends_at
        why = Explanation("reputation_blocked_today_by_person" if for_today else "reputation_blocked_by_person")
        return one.decided(DecisionKind.BLOCK, why, blocked_until=until, blocked_why=why)

    return _decide(conn, actor, "block_reputation", plans, domain, reason, act, today=today)


def reset(conn: Connection, actor: Actor, plans: QuotaPlans, domain: str, *, reason: str) -> ReputationDecided:
    """Begin anew at the first level of the plan: a block ends, and days that began before this moment count no more.

    What a person pinned or capped stays, and so do the decisions: to make a domain anew does not wash it. Raises
    ResumeNotAllowed when the end of a block would let mail leave that the actor may not start.
    """

    def act(one: _Case) -> _Decided:
        why = Explanation("reputation_reset", level=one.first_level)
        begin = {"level": one.first_level, "next_level": None, "next_day": None, "reset_at": one.now}
        return one.decided(DecisionKind.RESET, why, blocked_until=None, blocked_why=None, **begin)

    return _decide(conn, actor, "reset_reputation", plans, domain, reason, act)


def _check_level(level: int) -> None:
    if not LOWEST <= level <= HIGHEST:
        raise InvalidInput("level_not_valid", value=level, field="level")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Decided:
    """What is to be written."""

    state: ReputationState
    decision: NewDecision


@dataclass(frozen=True, kw_only=True, slots=True)
class _Case:
    """A domain as a person decides about it, read under the lock of its row."""

    plan: WarmupPlan
    day: QuotaDay
    now: datetime
    state: ReputationState
    first_level: int

    def level_of(self, state: ReputationState) -> int:
        """The level that holds today by a state."""
        return state.level_on(self.day.starts_at, self.plan.reputation or _CALENDAR)

    def decided(self, kind: DecisionKind, why: Explanation, **changed: Any) -> _Decided:
        """A decision that changes these values of the state."""
        state = replace(self.state, **changed)
        decision = NewDecision(
            kind=kind,
            quota_day=self.day.starts_at,
            of_day=None,
            effective_at=self.now,
            level_before=self.level_of(self.state),
            level_after=self.level_of(state),
            why=why,
        )
        return _Decided(state=state, decision=decision)


def _decide(
    conn: Connection,
    actor: Actor,
    action: str,
    plans: QuotaPlans,
    domain: str,
    reason: str,
    act: Callable[[_Case], _Decided],
    **facts: Any,
) -> ReputationDecided:
    """Make a decision, and let mail go on that it frees, or say why mail waits now.

    Raises InvalidInput without a reason, QuotaError for a domain without a valid plan or before its first day.
    """
    reason = " ".join(reason.split())[:LONGEST_REASON]
    with actor.recorded(action, domain=domain, why=reason, **facts) as recorded:
        if not reason:
            raise InvalidInput("reason_missing", field="reason")
        plan = plans[domain]
        with transaction(conn):
            sender_domains.lock_domain(conn, domain)
            case = _read(conn, plan)
            made = act(case)
            if case.state.blocked_at(case.now) and not made.state.blocked_at(case.now):
                _check_starts(conn, actor, domain)
            states.write(conn, made.state)
            one = made.decision
            decisions.insert(conn, domain, one, decided_at=case.now, actor=actor.name, note=reason)
        before, after = case.level_of(case.state), case.level_of(made.state)
        recorded.update(level_before=before, level_after=after)
        tasks = go_on_within_the_day(conn, plan)
    runs = tuple(RunWanted(task=name, kind=RunKind.RESUME) for name in tasks)
    return ReputationDecided(scheduler=runs, level_before=before, level_after=after)


def _check_starts(conn: Connection, actor: Actor, domain: str) -> None:
    """Raise ResumeNotAllowed when mail waits for the end of a block that the actor may not start, as by a release."""
    for name in waiting.tasks_waiting(conn, domain):
        if not actor.may_start(name):
            raise ResumeNotAllowed(name)


def _read(conn: Connection, plan: WarmupPlan) -> _Case:
    now = database_now(conn)
    day = quota_day(plan, now, rehearsal_began_at=sender_domains.rehearsal_began_at(conn, plan))
    level = start_level(plan.reputation or _CALENDAR, plan.allotment(day.number))
    state = states.of_domain(conn, plan.domain) or ReputationState(sender_domain=plan.domain, level=level)
    return _Case(plan=plan, day=day, now=now, state=state, first_level=level)
