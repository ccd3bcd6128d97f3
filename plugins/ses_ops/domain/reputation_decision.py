"""Decisions about the reputation of a sender domain: what was decided when, on which figures, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from ses_ops.domain.reputation import Figures

if TYPE_CHECKING:
    from datetime import datetime

    from ses_ops.errors import Explanation


class DecisionKind(StrEnum):
    """What was decided."""

    #: The domain was judged for the first time.
    START = "start"
    #: By the figures: one level up at once, one level down from the next quota day, nothing more leaves today.
    RAISE = "raise"
    LOWER = "lower"
    BLOCK = "block"
    #: Failures of our own side in mass; no level changes.
    ALARM = "alarm"
    #: By a person.
    PIN = "pin"
    UNPIN = "unpin"
    CAP = "cap"
    RELEASE = "release"
    GIVE_UP = "give_up"
    RESET = "reset"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewDecision:
    """A decision that is not stored yet."""

    kind: DecisionKind
    #: Start of the quota day it was made on, and of the day of sending whose figures led to it.
    quota_day: datetime
    of_day: datetime | None
    #: When it takes effect.
    effective_at: datetime
    level_before: int | None
    level_after: int | None
    why: Explanation
    #: The figures of `of_day`; and of a raise those of the window that ends with it, with the window's first day.
    figures: Figures = field(default_factory=Figures)
    window: Figures | None = None
    window_from: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """A stored decision."""

    id: int
    sender_domain: str
    decided_at: datetime
    kind: DecisionKind
    quota_day: datetime
    of_day: datetime | None
    effective_at: datetime
    level_before: int | None
    level_after: int | None
    why: Explanation
    figures: Figures
    window: Figures | None
    window_from: datetime | None
    #: Computed and not enforced.
    shadow: bool
    #: The person, and that one's reason; None: by itself.
    actor: str | None
    note: str
