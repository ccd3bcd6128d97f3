"""The reputation of a sender domain as it is stored: its level, its block, and what a person decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.domain.reputation import HIGHEST, LEVELS, LOWEST

if TYPE_CHECKING:
    from datetime import datetime

    from ses_ops.domain.warmup import ReputationPlan
    from ses_ops.errors import Explanation


@dataclass(frozen=True, kw_only=True, slots=True)
class ReputationState:
    """The reputation of a sender domain as it is stored."""

    sender_domain: str
    #: 1 to 20; `next_level` from the quota day `next_day` on, when a day's mail has lowered it.
    level: int
    next_level: int | None = None
    next_day: datetime | None = None
    #: Nothing leaves before this moment (the last moment of all: until a person releases it), and why.
    blocked_until: datetime | None = None
    blocked_why: Explanation | None = None
    #: A person's word: the level that holds whatever the figures say, and the highest that may be reached.
    pinned_level: int | None = None
    max_level: int | None = None
    #: Days that began before this moment are not looked at.
    reset_at: datetime | None = None
    #: The last time it was judged, and the newest quota day that was.
    judged_at: datetime | None = None
    judged_day: datetime | None = None

    def computed_level(self, day: datetime) -> int:
        """The level by the figures alone on the quota day that starts at `day`."""
        lowered = self.next_level is not None and self.next_day is not None and day >= self.next_day
        return self.next_level if lowered and self.next_level is not None else self.level

    def level_on(self, day: datetime, plan: ReputationPlan) -> int:
        """The level that holds on the quota day that starts at `day`: a pin, else the computed one below its caps."""
        if self.pinned_level is not None:
            return self.pinned_level
        return min(self.computed_level(day), self.cap(plan))

    def cap(self, plan: ReputationPlan) -> int:
        """The highest level, by the plan and by a person."""
        return min(plan.max_level, self.max_level or HIGHEST)

    def blocked_at(self, moment: datetime) -> bool:
        """Whether nothing may leave at a moment."""
        return self.blocked_until is not None and moment < self.blocked_until


def start_level(plan: ReputationPlan, calendar_quota: int | None) -> int:
    """The level at which a domain begins; a guard begins at the smallest level whose quota reaches the calendar's."""
    if not plan.guard or calendar_quota is None:
        return min(plan.start_level, plan.max_level)
    reaching = (level for level, quota in enumerate(LEVELS, LOWEST) if quota >= calendar_quota)
    return min(next(reaching, HIGHEST), plan.max_level)
