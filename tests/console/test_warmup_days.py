"""The days of a warm-up that a domain's page shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ses_ops.application.quota_status import DomainQuota
from ses_ops.console.domains.warmup_days import SHOWN, warmup_days
from ses_ops.domain.allowance import allowed
from ses_ops.domain.warmup import parse_plan, quota_day
from ses_ops.storage.quota.quota_days import PastDay
from ses_ops.storage.quota.sender_domains import QuotaToday

DOMAIN = "mail.example.com"


def domain(now: datetime, *, used: int = 0, began: datetime | None = None, **entry: Any) -> DomainQuota:
    plan = parse_plan(DOMAIN, {"started_on": "2026-01-01", **entry})
    today = None
    if now >= plan.started_at:
        day = quota_day(plan, now, rehearsal_began_at=began)
        allowance = allowed(plan, day, None, now=now)
        today = QuotaToday(
            plan=plan, day=day, used=used, reserved=0, rehearsal_began_at=began, now=now, allowance=allowance
        )
    return DomainQuota(domain=DOMAIN, plan=plan, today=today, problem=None, waiting=(), now=now)


def row(starts_at: datetime, used: int, *, hours: float = 24) -> PastDay:
    ends_at = starts_at + timedelta(hours=hours)
    return PastDay(number=1, starts_at=starts_at, ends_at=ends_at, allotment=999, reserved=0, used=used)


@pytest.mark.parametrize(
    ("day", "steps", "first", "last"),
    [
        (1, 20, 1, 20),
        (20, 20, 1, 21),
        (29, 20, 1, 30),
        (100, 20, 72, 101),
        (1, 60, 1, 30),
        (40, 60, 18, 47),
        (59, 60, 31, 60),
    ],
)
def test_a_short_plan_is_shown_whole_and_of_a_long_one_the_weeks_around_today(day, steps, first, last):
    now = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=day - 1)
    days = warmup_days(domain(now, plan=list(range(1, steps + 1))), [])
    assert (days[0].number, days[-1].number) == (first, last)
    assert len(days) <= SHOWN
    assert [one.number for one in days if one.today] == [day]
    assert [one.sent is None for one in days] == [one.number > day for one in days]


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Asia/Tokyo", "Pacific/Auckland", "UTC"])
def test_no_clock_change_repeats_or_leaves_out_a_day(zone):
    for month in (3, 4, 9, 11):
        now = datetime(2026, month, 12, 3, tzinfo=UTC)
        days = warmup_days(domain(now, time_zone=zone), [])
        numbers = [day.number for day in days]
        assert numbers == list(range(numbers[0], numbers[0] + len(days)))
        dates = [day.date for day in days]
        assert dates == [dates[0] + timedelta(days=n) for n in range(len(days))]


def test_what_was_sent_is_found_although_the_plans_zone_was_edited():
    now = datetime(2026, 1, 3, 12, tzinfo=UTC)
    history = [row(datetime(2025, 12, 31, 15, tzinfo=UTC), 500), row(datetime(2026, 1, 1, 15, tzinfo=UTC), 700)]
    days = warmup_days(domain(now, used=44), history)
    assert [day.sent for day in days[:4]] == [500, 700, 44, None]


def test_a_rehearsal_has_the_days_of_its_own_length():
    began = datetime(2026, 1, 5, 10, tzinfo=UTC)
    quota = domain(began + timedelta(seconds=150), used=9, began=began, day_length="PT60S", plan=[5, 6])
    history = [row(began, 5, hours=1 / 60), row(began - timedelta(hours=3), 99, hours=1 / 60)]
    days = warmup_days(quota, history)
    assert [(day.number, day.sent) for day in days] == [(1, 5), (2, 0), (3, 9), (4, None)]


def test_before_the_first_day_the_whole_plan_is_to_come():
    days = warmup_days(domain(datetime(2025, 6, 1, tzinfo=UTC)), [])
    assert len(days) == 20
    assert all(day.sent is None and not day.today for day in days)
