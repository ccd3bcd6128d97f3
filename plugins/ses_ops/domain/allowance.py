"""What a sender domain may send on a quota day: the least of plan, level and cap, and nothing while it is blocked.

The Airflow Variable stays the plan. The reputation lowers only what is enforced, and both are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from ses_ops.domain.reputation import HIGHEST, quota_of
from ses_ops.domain.reputation_state import ReputationState, start_level
from ses_ops.errors import Explanation

if TYPE_CHECKING:
    from ses_ops.domain.warmup import QuotaDay, ReputationPlan, WarmupPlan

#: Codes of the reasons for which the figures block a domain (domain/reputation_judgement.py).
BLOCKED_BY_FIGURES = ("reputation_blocked_invalid", "reputation_blocked_spam")


class LimitedBy(StrEnum):
    """What makes the quota of a day as small as it is."""

    #: The calendar or the daily limit of the Variable's entry.
    PLAN = "plan"
    #: The level of the domain.
    LEVEL = "level"
    #: The highest level that a person or the entry allows.
    CAP = "cap"
    #: Nothing may leave for now.
    BLOCK = "block"


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """The quota of one day that is enforced, in messages."""

    #: 0 while the domain is blocked.
    quota: int
    limited_by: LimitedBy
    #: The quota when nothing is blocked: what the day is charged against.
    unblocked: int
    #: When the block ends, and its reason.
    blocked_until: datetime | None = None
    blocked_why: Explanation | None = None


def allowed(plan: WarmupPlan, day: QuotaDay, state: ReputationState | None, *, now: datetime) -> Allowance:
    """The enforced quota of a day. `state` is None for a domain that was never judged.

    With `shadow`, and without a reputation in the entry, no level and no computed block is enforced; a person's cap and
    block are.
    """
    reputation = plan.reputation
    limits = [(plan.allotment(day.number), LimitedBy.PLAN)]
    caps = [] if state is None or state.max_level is None else [state.max_level]
    enforced = reputation is not None and not reputation.shadow
    if reputation is not None and enforced:
        level = _level(reputation, plan.allotment(day.number), day, state)
        if plan.led_by_reputation:
            limits = [] if plan.daily_limit is None else [(plan.daily_limit, LimitedBy.PLAN)]
        if plan.led_by_reputation or level < HIGHEST:  # an own calendar may go beyond what any level allows
            limits.append((quota_of(level), LimitedBy.LEVEL))
        caps.append(reputation.max_level)
    if caps and min(caps) < HIGHEST:
        limits.append((quota_of(min(caps)), LimitedBy.CAP))
    # Of equal limits the first one is named, in this order.
    unblocked, limited_by = min(limits, key=lambda one: one[0])
    if state is not None and state.blocked_at(now) and not (_is_computed(state) and not enforced):
        return Allowance(
            quota=0,
            limited_by=LimitedBy.BLOCK,
            unblocked=unblocked,
            blocked_until=state.blocked_until,
            blocked_why=state.blocked_why,
        )
    return Allowance(quota=unblocked, limited_by=limited_by, unblocked=unblocked)


def _level(plan: ReputationPlan, calendar: int, day: QuotaDay, state: ReputationState | None) -> int:
    """The level of a day before its caps. A domain that was never judged is at the one with which it begins."""
    if state is None:
        return start_level(plan, calendar)
    return state.pinned_level or state.computed_level(day.starts_at)


def _is_computed(state: ReputationState) -> bool:
    """Whether a block was made by the figures, and not by a person."""
    return state.blocked_why is not None and state.blocked_why.code in BLOCKED_BY_FIGURES
