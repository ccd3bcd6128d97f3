"""What a sender domain may send on a quota day: the least of plan, level and cap, and nothing while it is blocked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.allowance import LimitedBy, allowed
from ses_ops.domain.reputation import quota_of
from ses_ops.domain.reputation_state import ReputationState
from ses_ops.domain.warmup import parse_plan, quota_day
from ses_ops.errors import Explanation

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
COMPUTED = Explanation("reputation_blocked_invalid")
BY_PERSON = Explanation("reputation_blocked_by_person")


def found(entry: dict[str, Any], state: ReputationState | None = None, *, now: datetime = NOW):
    plan = parse_plan("d.example", {"started_on": "2026-03-01", **entry})
    return allowed(plan, quota_day(plan, now), state, now=now)


def at(level: int, **changes: Any) -> ReputationState:
    return ReputationState(sender_domain="d.example", level=level, **changes)


LED = {"plan": "reputation"}
CALENDAR = {"plan": [100, 20_000]}
GUARD = {**CALENDAR, "guard": True}


@pytest.mark.parametrize(
    ("entry", "state", "quota", "limited_by"),
    [
        (CALENDAR, None, 20_000, "plan"),
        (CALENDAR, at(1), 20_000, "plan"),  # no level counts beside a calendar that nothing guards
        (CALENDAR, at(1, max_level=3), 2_000, "cap"),  # but a person's cap does
        (LED, None, 500, "level"),
        ({**LED, "start_level": 4}, None, 5_000, "level"),
        (LED, at(7), 40_000, "level"),
        (LED, at(20), 1_000_000, "level"),
        ({**LED, "daily_limit": 700}, at(7), 700, "plan"),
        ({**LED, "max_level": 5}, at(7), 10_000, "cap"),
        (LED, at(7, max_level=2), 1_000, "cap"),
        (LED, at(7, pinned_level=3), 2_000, "level"),
        (LED, at(3, pinned_level=7), 40_000, "level"),
        (GUARD, None, 20_000, "plan"),  # a new domain begins where its calendar is not lowered
        (GUARD, at(5), 10_000, "level"),
        (GUARD, at(20), 20_000, "plan"),
        ({"plan": [3_000_000], "guard": True}, at(20), 3_000_000, "plan"),  # the last level is no limit
        ({**GUARD, "shadow": True}, at(1), 20_000, "plan"),
        ({**LED, "start_level": 4, "shadow": True}, at(1), 5_000, "plan"),
        ({**LED, "shadow": True}, at(1, max_level=1), 500, "plan"),
    ],
)
def test_the_least_of_plan_level_and_cap_is_enforced_and_named(entry, state, quota, limited_by):
    allowance = found(entry, state)
    assert (allowance.quota, allowance.unblocked, allowance.limited_by.value) == (quota, quota, limited_by)


def test_a_lowered_level_holds_from_the_next_quota_day_on():
    lowered = at(5, next_level=4, next_day=datetime(2026, 3, 3, tzinfo=UTC))
    assert found(LED, lowered).quota == 10_000
    assert found(LED, lowered, now=datetime(2026, 3, 3, tzinfo=UTC)).quota == 5_000


def test_nothing_may_leave_while_a_domain_is_blocked_and_its_quota_is_back_at_that_very_moment():
    until = NOW + timedelta(hours=1)
    blocked = at(3, blocked_until=until, blocked_why=COMPUTED)
    held = found(LED, blocked)
    assert (held.quota, held.unblocked, held.limited_by) == (0, 2_000, LimitedBy.BLOCK)
    assert (held.blocked_until, held.blocked_why) == (until, COMPUTED)
    assert found(LED, blocked, now=until).quota == 2_000


@pytest.mark.parametrize("entry", [CALENDAR, {**GUARD, "shadow": True}, {**LED, "shadow": True}])
def test_what_is_only_computed_blocks_nothing_and_a_person_always_does(entry):
    until = NOW + timedelta(hours=1)
    assert found(entry, at(1, blocked_until=until, blocked_why=COMPUTED)).quota > 0
    assert found(entry, at(1, blocked_until=until, blocked_why=BY_PERSON)).quota == 0


levels = st.integers(1, 20)
moments = st.datetimes(NOW.replace(tzinfo=None) - timedelta(days=3), datetime(2026, 3, 5), timezones=st.just(UTC))
states = st.none() | st.builds(
    ReputationState,
    sender_domain=st.just("d.example"),
    level=levels,
    next_level=st.none() | levels,
    next_day=st.none() | moments,
    blocked_until=st.none() | moments,
    blocked_why=st.sampled_from([None, COMPUTED, BY_PERSON]),
    pinned_level=st.none() | levels,
    max_level=st.none() | levels,
)
entries = st.fixed_dictionaries(
    {"plan": st.sampled_from(["standard", "reputation"]) | st.lists(st.integers(1, 3_000_000), min_size=1)},
    optional={"daily_limit": st.integers(1, 1_000_000), "max_level": levels, "shadow": st.booleans()},
)


@given(entry=entries, state=states, guard=st.booleans())
def test_no_quota_is_ever_above_the_plan_the_level_or_the_cap(entry, state, guard):
    led = entry["plan"] == "reputation"
    if not led and not guard:
        entry = {name: entry[name] for name in ("plan", "daily_limit") if name in entry}
    elif not led:
        entry = {**entry, "guard": True}
    allowance = found(entry, state)
    plan = parse_plan("d.example", {"started_on": "2026-03-01", **entry})
    day = quota_day(plan, NOW)
    assert 0 <= allowance.quota <= allowance.unblocked
    if plan.daily_limit is not None:
        assert allowance.quota <= plan.daily_limit
    if not plan.led_by_reputation:
        assert allowance.quota <= day.allotment
    if state is not None and state.max_level not in (None, 20):
        assert allowance.quota <= quota_of(state.max_level)
    if plan.reputation is not None and not plan.reputation.shadow:
        top = plan.reputation.max_level
        assert top == 20 or allowance.quota <= quota_of(top)
        level = None if state is None else state.pinned_level or state.computed_level(day.starts_at)
        assert level in (None, 20) or allowance.quota <= quota_of(level)
        if state is not None and state.blocked_at(NOW):
            assert allowance.quota == 0
