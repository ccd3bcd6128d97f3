"""The quota days of the chart of levels and rates, those without mail too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.console.domains.reputation_chart import ChartDay
from ses_ops.domain.reputation import Figures
from ses_ops.domain.reputation_decision import DecisionKind
from ses_ops.domain.warmup import quota_day
from ses_ops.errors import WarmupNotBegun

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ses_ops.application.quota_status import DomainQuota
    from ses_ops.application.reputation_view import ReputationDay, ReputationView
    from ses_ops.domain.reputation_decision import Decision


def chart_days(view: ReputationView, quota: DomainQuota, decisions: Sequence[Decision], most: int) -> list[ChartDay]:
    """The days from the first with mail to today, oldest first, at most `most` of them.

    A day without mail has the level of the day before it, and no rates.
    """
    blocked = {one.quota_day for one in decisions if one.kind is DecisionKind.BLOCK and not one.shadow}
    today = view.day.starts_at
    days: list[ChartDay] = []
    level: int | None = None
    for at, line in _with_gaps(view, quota, most):
        level = line.level if line is not None and line.level is not None else level
        days.append(
            ChartDay(
                starts_at=at,
                number=_number(quota, at),
                level=level,
                figures=line.figures if line is not None else Figures(),
                blocked=at in blocked,
                today=at == today,
            )
        )
    return days


def _with_gaps(view: ReputationView, quota: DomainQuota, most: int) -> list[tuple[datetime, ReputationDay | None]]:
    lines = {line.starts_at: line for line in view.days}
    plan = quota.plan
    found: list[tuple[datetime, ReputationDay | None]] = []
    if plan is None:
        found += [(line.starts_at, line) for line in view.days]
        return found[-most:]
    first = max(view.days[0].starts_at, view.day.starts_at - most * plan.day_length)
    at = first
    while at < view.day.starts_at and len(found) < 2 * most:
        found.append((at, lines.pop(at, None)))
        at = _end(quota, at)
    # Days of the plan before an edit began at other moments.
    found += [(line.starts_at, line) for line in lines.values() if line.starts_at >= first]
    return sorted(found, key=lambda one: one[0])[-most:]


def _end(quota: DomainQuota, at: datetime) -> datetime:
    assert quota.plan is not None
    try:
        return quota_day(quota.plan, at, rehearsal_began_at=_began(quota)).ends_at
    except WarmupNotBegun:
        return at + quota.plan.day_length


def _number(quota: DomainQuota, at: datetime) -> int | None:
    if quota.plan is None or not quota.plan.is_rehearsal:
        return None
    try:
        return quota_day(quota.plan, at, rehearsal_began_at=_began(quota)).number
    except WarmupNotBegun:
        return None


def _began(quota: DomainQuota) -> datetime | None:
    return quota.today.rehearsal_began_at if quota.today is not None else None
