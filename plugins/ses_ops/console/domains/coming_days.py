"""Daily quotas of a plan that is being edited, beside the present plan's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from ses_ops.console.charts.column_chart import Chart, Column, day_label, draw
from ses_ops.console.language import N_
from ses_ops.domain.allowance import allowed
from ses_ops.domain.clock import to_wall_clock, zone
from ses_ops.domain.warmup import WarmupPlan, quota_day
from ses_ops.errors import WarmupNotBegun

if TYPE_CHECKING:
    from ses_ops.application.quota_status import DomainQuota
    from ses_ops.console.language import Language

#: Number of days in the chart.
SHOWN = 14
_NOW = N_("%(when)s: %(quota)s, now %(before)s")
_PLANNED = N_("%(when)s: %(quota)s may be sent")


@dataclass(frozen=True, kw_only=True)
class ComingDay:
    """One day by the new plan."""

    number: int
    starts_at: datetime
    #: Date in the plan's zone.
    date: date
    allotment: int
    #: Quota by the present plan at the day's middle; None without a plan, or before its first day.
    before: int | None
    today: bool


@dataclass(frozen=True, kw_only=True)
class Coming:
    """The values of the preview of a plan that is not stored."""

    days: list[ComingDay]
    chart: Chart
    #: Number of messages sent today by any plan; None before the plan's first day.
    used: int | None
    #: Number of messages left today by the new plan.
    left: int | None


def coming(words: Language, plan: WarmupPlan, new: DomainQuota, old: DomainQuota | None) -> Coming:
    """The preview of SHOWN days, from today or the first day of the warm-up. `new`: the domain with the new plan."""
    began = new.today.rehearsal_began_at if new.today else None
    start = max(new.now, plan.started_at)
    days: list[ComingDay] = []
    for _ in range(SHOWN):
        day = quota_day(plan, start, rehearsal_began_at=began)
        state = new.today.reputation if new.today else None
        allotment = allowed(plan, day, state, now=start).unblocked
        days.append(
            ComingDay(
                number=day.number,
                starts_at=day.starts_at,
                date=to_wall_clock(day.starts_at, zone(plan.time_zone)).date(),
                allotment=allotment,
                before=_before(old, day.starts_at + (day.ends_at - day.starts_at) / 2),
                today=day.starts_at <= new.now,
            )
        )
        start = day.ends_at
    used = new.today.used + new.today.reserved if new.today else None
    left = new.today.left if new.today else None
    return Coming(days=days, chart=_chart(words, plan, days, used or 0), used=used, left=left)


def _before(old: DomainQuota | None, moment: datetime) -> int | None:
    if old is None or old.plan is None:
        return None
    try:
        began = old.today.rehearsal_began_at if old.today else None
        day = quota_day(old.plan, moment, rehearsal_began_at=began)
        return allowed(old.plan, day, old.today.reputation if old.today else None, now=moment).unblocked
    except WarmupNotBegun:
        return None


def _chart(words: Language, plan: WarmupPlan, days: list[ComingDay], used: int) -> Chart:
    columns = []
    for day in days:
        label = words.number(day.number) if plan.is_rehearsal else day_label(words, day.date)
        values: dict[str, object] = {"when": label, "quota": words.number(day.allotment)}
        if day.before is None:
            title = words.gettext(_PLANNED, **values)
        else:
            title = words.gettext(_NOW, before=words.number(day.before), **values)
        columns.append(
            Column(
                label=words.gettext("today") if day.today else label,
                title=title,
                front=min(used, day.allotment) if day.today else 0,
                back=day.allotment,
                marked=day.today,
            )
        )
    return draw(words, columns, root=True)
