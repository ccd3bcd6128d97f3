"""The days of a warm-up: quota by plan, and messages sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from ses_ops.application.quota_status import DomainQuota
from ses_ops.domain.allowance import allowed
from ses_ops.domain.clock import to_wall_clock, zone
from ses_ops.domain.warmup import QuotaDay, WarmupPlan, quota_day
from ses_ops.storage.quota.quota_days import PastDay

#: Most days shown, and the number of future ones among them when there are more.
SHOWN, AHEAD = 30, 7
#: Number of quota days that are searched for sent messages: an edited plan has other days than those shown.
HISTORY = 3 * SHOWN


@dataclass(frozen=True, kw_only=True)
class WarmupDay:
    """One day. Counts are messages."""

    #: Number of the day from 1; None when it is not known any more.
    number: int | None
    starts_at: datetime
    #: Date in the plan's zone.
    date: date
    #: Quota by the plan; with a reputation the one that held, or holds at the present level.
    allotment: int
    #: Number of messages sent; None on a future day.
    sent: int | None
    today: bool
    #: Of these, single messages.
    single: int = 0


def warmup_days(quota: DomainQuota, history: Sequence[PastDay]) -> list[WarmupDay]:
    """The days of a short plan, else the weeks before today and one after it; without a plan the days with sent mail.

    `history`: the quota days that have a row in the database, in any order.
    """
    plan = quota.plan
    if plan is None:
        rows = sorted(history, key=lambda row: row.starts_at)[-SHOWN:]
        return [_past(row) for row in rows]
    began = quota.today.rehearsal_began_at if quota.today else None
    number = quota.today.day.number if quota.today else 0
    last = max(number + AHEAD if plan.led_by_reputation else len(plan.steps), number + 1)
    if last > SHOWN:
        last = max(SHOWN, min(last, number + AHEAD))
    first = max(1, last - SHOWN + 1)
    days = [_numbered(plan, one, began) for one in range(first, last + 1)]
    return [_day(plan, quota, day, history) for day in days]


def _numbered(plan: WarmupPlan, number: int, began: datetime | None) -> QuotaDay:
    """The quota day of a number, found by a time near its middle, since clock changes move its ends."""
    begin = max(plan.started_at, began) if began is not None else plan.started_at
    start = quota_day(plan, max(begin, plan.started_at), rehearsal_began_at=began)
    middle = start.starts_at + (number - 0.5) * plan.day_length
    return quota_day(plan, max(middle, begin), rehearsal_began_at=began)


def _day(plan: WarmupPlan, quota: DomainQuota, day: QuotaDay, history: Sequence[PastDay]) -> WarmupDay:
    is_today = quota.today is not None and quota.today.day.number == day.number
    # A day is found by its middle: a plan whose time zone was edited had its days at other hours.
    rows = [row for row in history if day.starts_at <= _middle(row) < day.ends_at]
    sent, single = sum(row.used for row in rows), sum(row.single for row in rows)
    if is_today and quota.today:
        sent, single = quota.today.used, quota.today.single
    to_come = day.starts_at > quota.now
    if plan.reputation is not None:
        day = replace(day, allotment=_of_reputation(plan, quota, day, history))
    return WarmupDay(
        number=day.number,
        starts_at=day.starts_at,
        date=to_wall_clock(day.starts_at, zone(plan.time_zone)).date(),
        allotment=day.allotment,
        sent=None if to_come else sent,
        today=is_today,
        single=min(single, sent),
    )


def _of_reputation(plan: WarmupPlan, quota: DomainQuota, day: QuotaDay, history: Sequence[PastDay]) -> int:
    """The quota that held on a day that is over, or that holds today, or by the present level on a day to come."""
    if day.starts_at > quota.now:
        state = quota.today.reputation if quota.today else None
        return allowed(plan, day, state, now=day.starts_at).unblocked
    if quota.today and quota.today.day.number == day.number:
        return quota.today.day.allotment
    held = (row.allotment for row in history if day.starts_at <= _middle(row) < day.ends_at)
    return max(held, default=0)


def _past(row: PastDay) -> WarmupDay:
    return WarmupDay(
        number=None,
        starts_at=row.starts_at,
        date=_middle(row).astimezone(UTC).date(),
        allotment=row.allotment,
        sent=row.used,
        today=False,
        single=min(row.single, row.used),
    )


def _middle(row: PastDay) -> datetime:
    length: timedelta = row.ends_at - row.starts_at
    moment: datetime = row.starts_at + length / 2
    return moment
