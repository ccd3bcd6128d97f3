"""The share of a quota day that bulk mail leaves to single messages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.forecast import PendingMail, forecast
from ses_ops.domain.warmup import parse_plan
from ses_ops.errors import QuotaError

ENTRY = {"plan": [100], "started_on": "2026-01-01"}
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@given(quota=st.integers(0, 10**7), share=st.integers(0, 50))
def test_the_share_is_rounded_up_and_at_least_one_message(quota: int, share: int) -> None:
    aside = parse_plan("example.com", {**ENTRY, "trigger_share": share}).set_aside(quota)
    assert (aside - 1) * 100 < quota * share <= aside * 100
    assert (aside > 0) is (quota > 0 and share > 0)


def test_an_entry_without_it_leaves_it_to_the_keys() -> None:
    plan = parse_plan("example.com", ENTRY)
    assert plan.trigger_share is None
    assert plan.set_aside(100) == 0


@pytest.mark.parametrize("value", [-1, 51, 2.5, "5", True, [5]])
def test_anything_but_whole_percents_to_50_is_refused(value: object) -> None:
    with pytest.raises(QuotaError) as refused:
        parse_plan("example.com", {**ENTRY, "trigger_share": value})
    assert refused.value.code == "quota_share_not_valid"
    assert refused.value.field == "trigger_share"


def test_a_forecast_leaves_the_share_of_every_coming_day() -> None:
    plan = parse_plan("example.com", {**ENTRY, "trigger_share": 10})
    made = forecast(plan, [PendingMail(task="a", count=150)], now=NOW, left_today=30)
    assert [day.count() for day in made.days] == [30, 90, 30]
