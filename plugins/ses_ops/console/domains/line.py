"""A sender domain as a line of a list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from ses_ops.console.charts.progress_bar import WIDTH, Part
from ses_ops.console.language import N_
from ses_ops.console.quota_errors import Wrong, wrong_with_entry
from ses_ops.sending.waiting_mail import why_blocked

if TYPE_CHECKING:
    from ses_ops.application.quota_status import DomainQuota
    from ses_ops.domain.forecast import Forecast
    from ses_ops.domain.warmup import QuotaPlans
    from ses_ops.errors import Sentence


class DomainState(StrEnum):
    """The state of a domain, one word in the list."""

    OPEN = "open"
    USED_UP = "used_up"
    BLOCKED = "blocked"
    NOT_BEGUN = "not_begun"
    WRONG = "wrong"


#: The word and the badge's class by state.
STATES: dict[DomainState, tuple[str, str]] = {
    DomainState.OPEN: (N_("may send"), "finished"),
    DomainState.USED_UP: (N_("used up for today"), "paused"),
    DomainState.BLOCKED: (N_("blocked for now"), "error"),
    DomainState.NOT_BEGUN: (N_("not begun"), "waiting"),
    DomainState.WRONG: (N_("cannot send"), "error"),
}


@dataclass(frozen=True, kw_only=True)
class DomainLine:
    """The line of one domain."""

    quota: DomainQuota
    #: Problem of the entry; None too when the whole Variable is wrong, which the page says once above the list.
    wrong: Wrong | None
    forecast: Forecast | None

    @property
    def state(self) -> DomainState:
        if self.quota.not_begun:
            return DomainState.NOT_BEGUN
        if self.quota.today is None:
            return DomainState.WRONG
        if self.blocked is not None:
            return DomainState.BLOCKED
        return DomainState.OPEN if self.quota.today.left else DomainState.USED_UP

    @property
    def blocked(self) -> Sentence | None:
        """Until when nothing leaves, and why; None when the domain is not blocked."""
        today = self.quota.today
        why = None if today is None else why_blocked(today.plan, today.allowance)
        return None if why is None else why.sentence

    @property
    def word(self) -> str:
        """The message id of the state."""
        return STATES[self.state][0]

    @property
    def look(self) -> str:
        """The CSS class of the state's badge."""
        return STATES[self.state][1]

    @property
    def rehearsal(self) -> bool:
        return self.quota.plan is not None and self.quota.plan.is_rehearsal

    @property
    def parts(self) -> list[Part]:
        """The parts of today's bar: messages sent, and messages reserved for runs."""
        today = self.quota.today
        if today is None:
            return []
        whole = max(1, today.day.allotment, today.used + today.reserved)
        found: list[Part] = []
        at = before = 0
        for kind, word, count in (("sent", N_("used"), today.used), ("progress", N_("reserved"), today.reserved)):
            if count:
                before += count
                end = min(WIDTH, max(at + 1, before * WIDTH // whole))
                found.append(Part(kind=kind, word=word, count=count, x=at, width=end - at))
                at = end
        return found

    @property
    def used_share(self) -> float:
        """The share of today's quota that was used, from 0 to 1."""
        today = self.quota.today
        return min(1.0, today.used / today.day.allotment) if today else 0.0

    @property
    def gone_by(self) -> datetime | None:
        """The time at which the cached mail that continues by itself has left: the end of the forecast's last day."""
        if self.forecast is None or not self.forecast.days or self.forecast.remaining:
            return None
        return self.forecast.days[-1].day.ends_at

    @property
    def never_within_reach(self) -> bool:
        """Whether some of that mail finds no day within the forecast."""
        return self.forecast is not None and bool(self.forecast.remaining)


def line_of(plans: QuotaPlans, quota: DomainQuota) -> DomainLine:
    """The line of a domain."""
    return DomainLine(quota=quota, wrong=wrong_with_entry(plans, quota), forecast=quota.forecast())
