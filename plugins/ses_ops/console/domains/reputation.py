"""The reputation on the page of a sender domain: level, figures, days, decisions, and the form of a decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_ops.application.reputation_view import reputation_of
from ses_ops.console.database import SnapshotByKey
from ses_ops.console.domains.decision_lines import decision_lines
from ses_ops.console.domains.decision_texts import TEXTS, Act
from ses_ops.console.domains.figure_lines import LABELS
from ses_ops.console.domains.reputation_chart import NOT_DELIVERED, ChartDay, panels, shown
from ses_ops.console.domains.reputation_days import chart_days
from ses_ops.console.domains.reputation_shown import ReputationShown, block_of, shown_of
from ses_ops.console.forms import Form
from ses_ops.console.language import N_
from ses_ops.console.quota_snapshot import DOMAINS
from ses_ops.domain.reputation import HIGHEST, LOWEST, Rate, quota_of
from ses_ops.errors import InvalidInput, QuotaError
from ses_ops.storage.reputation import decisions, states

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.quota_status import DomainQuota
    from ses_ops.application.reputation_view import ReputationView
    from ses_ops.console.language import Language
    from ses_ops.domain.reputation import Ratio
    from ses_ops.domain.reputation_state import ReputationState
    from ses_ops.domain.warmup import QuotaPlans

#: Quota days of the chart.
SHOWN_DAYS = 60
_LEVEL = N_("%(level)s: %(quota)s messages a day")
_NO_LEVEL = N_("choose a level")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reputation:
    """What is stored of a domain's reputation. `view` is None where the calendar alone leads, or no plan does."""

    view: ReputationView | None
    state: ReputationState | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RateDay:
    """A day of the table."""

    day: ChartDay
    ratios: Sequence[Ratio]


def _read(conn: Connection, domain: str) -> Reputation:
    view = view_of(conn, DOMAINS.get().plans, domain)
    return Reputation(view=view, state=states.of_domain(conn, domain))


#: The reputation of a domain, read once in two seconds however many persons look at its page.
REPUTATIONS: SnapshotByKey[str, Reputation] = SnapshotByKey(_read, age=2.0)


def now_values(words: Language, quota: DomainQuota) -> dict[str, Any]:
    """The values of the polled part of the section."""
    seen = REPUTATIONS.get(quota.domain)
    return {"shown": _shown(words, seen, quota), "led": seen.view is not None}


def section_values(words: Language, conn: Connection, quota: DomainQuota, *, form: Form | None) -> dict[str, Any]:
    """The values of the whole section. `form`: that of a decision; None for a person who may not decide."""
    seen = REPUTATIONS.get(quota.domain, fresh=True)
    view, state = seen.view, seen.state
    made = view.decisions if view is not None else decisions.of_domain(conn, quota.domain, limit=100)
    shown_now = _shown(words, seen, quota)
    days = chart_days(view, quota, made, SHOWN_DAYS) if view is not None else []
    zone = quota.plan.time_zone if quota.plan is not None else "UTC"
    rates = [rate for rate in Rate if rate is not Rate.OPEN or any(day.figures.opens_tracked for day in days)]
    lines = decision_lines(words, made)
    return {
        "shown": shown_now,
        "led": view is not None,
        "panels": panels(words, days, time_zone=zone) if days else [],
        "rate_headings": [NOT_DELIVERED if rate is Rate.DELIVERED else LABELS[rate] for rate in rates],
        "rate_days": [RateDay(day=day, ratios=[shown(day.figures, rate) for rate in rates]) for day in reversed(days)],
        "decisions": lines,
        "decisions_more": len(made) - len(lines),
        "decision_form": form,
        "acts": [(act.value, TEXTS[act]) for act in _possible(view is not None, state is not None, shown_now)],
        "levels": _levels(words),
    }


def view_of(conn: Connection, plans: QuotaPlans, domain: str) -> ReputationView | None:
    """The reputation; None without a valid plan, before its first day, and for a calendar plan alone."""
    try:
        return reputation_of(conn, plans, domain, days=SHOWN_DAYS)
    except (InvalidInput, QuotaError):
        return None


def _shown(words: Language, seen: Reputation, quota: DomainQuota) -> ReputationShown:
    if seen.view is not None:
        return shown_of(words, seen.view, now=quota.now)
    level = seen.state.level if seen.state is not None else LOWEST
    return ReputationShown(level=level, quota=quota_of(level), **block_of(seen.state, quota.now))


def _possible(led: bool, known: bool, now: ReputationShown) -> list[Act]:
    """The decisions that can be made now. A calendar alone has no level to pin or to reset."""
    impossible = {
        Act.PIN: not led,
        Act.UNPIN: not now.pinned,
        Act.UNCAP: not now.capped,
        Act.RELEASE: not now.blocked,
        Act.GIVE_UP: not now.blocked,
        Act.BLOCK_TODAY: now.blocked,
        Act.BLOCK: now.blocked_for_good,
        Act.RESET: not led or not known,
    }
    return [act for act in Act if not impossible.get(act, False)]


def _levels(words: Language) -> list[tuple[str, str]]:
    found = [("", words.gettext(_NO_LEVEL))]
    for level in range(LOWEST, HIGHEST + 1):
        values = {"level": words.number(level), "quota": words.number(quota_of(level))}
        found.append((str(level), words.gettext(_LEVEL, **values)))
    return found
