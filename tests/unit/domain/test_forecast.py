"""The forecast: nothing is lost, no day is overdrawn, what was cached first goes first."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ses_ops.domain.forecast import PendingMail, forecast
from ses_ops.domain.reputation_state import ReputationState
from ses_ops.domain.warmup import parse_plan
from tests.sizes import examples

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def plan(*steps: int, started_on: str = "2026-12-01", **more: object):
    return parse_plan("d.example", {"plan": list(steps), "started_on": started_on, **more})


def test_a_task_goes_out_behind_what_was_cached_before_day_by_day():
    made = forecast(
        plan(500, 1000, 2000),
        [PendingMail(task="old", count=700), PendingMail(task="new", count=1200)],
        now=NOW,
        left_today=100,
    )
    assert [(day.day.number, dict(day.parts)) for day in made.days] == [
        (1, {"old": 100}),
        (2, {"old": 600, "new": 400}),
        (3, {"new": 800}),
    ]
    assert not made.remaining


def test_mail_that_is_not_due_yet_has_no_claim_on_an_earlier_day():
    made = forecast(
        plan(10),
        [PendingMail(task="later", count=5, due_at=NOW + timedelta(days=400)), PendingMail(task="now", count=15)],
        now=NOW,
        left_today=None,
    )
    assert [(day.day.starts_at.date().isoformat(), dict(day.parts)) for day in made.days] == [
        ("2026-12-01", {"now": 10}),
        ("2026-12-02", {"now": 5}),
        ("2028-01-05", {"later": 5}),
    ]


def test_before_the_warm_up_begins_the_first_day_is_its_first():
    made = forecast(plan(10, started_on="2027-01-01"), [PendingMail(task="t", count=3)], now=NOW, left_today=None)
    assert made.days[0].day.number == 1
    assert made.days[0].day.starts_at == datetime(2027, 1, 1, tzinfo=UTC)


def test_what_finds_no_day_is_said():
    made = forecast(plan(1), [PendingMail(task="t", count=5)], now=NOW, left_today=1, most_days=3)
    assert made.remaining == (("t", 2),)


_WAITING = st.lists(
    st.builds(
        lambda task, count, due: PendingMail(
            task=task, count=count, due_at=None if due is None else NOW + timedelta(hours=due)
        ),
        st.sampled_from("abc"),
        st.integers(0, 1000),
        st.none() | st.integers(-50, 200),
    ),
    max_size=6,
)


@settings(max_examples=examples(100), deadline=None)
@given(
    _WAITING,
    st.lists(st.integers(20, 900), min_size=1, max_size=5),
    st.none() | st.integers(0, 400),
    st.sampled_from(["UTC", "Asia/Tokyo", "America/Santiago"]),
    st.sampled_from(["PT24H", "PT60S"]),
)
def test_nothing_is_lost_no_day_is_overdrawn_and_nobody_is_overtaken(waiting, steps, left, zone, length):
    made = forecast(
        plan(*steps, started_on="2026-11-30", time_zone=zone, day_length=length), waiting, now=NOW, left_today=left
    )
    total = Counter()
    for day in made.days:
        assert day.count() <= day.room <= max(day.day.allotment, left or 0)
        for task, count in day.parts:
            total[task] += count
    for task, count in made.remaining:
        total[task] += count
    wanted = Counter()
    for part in waiting:
        wanted[part.task] += part.count
    assert total == +wanted
    assert [day.day.starts_at for day in made.days] == sorted({day.day.starts_at for day in made.days})


@settings(deadline=None)
@given(st.lists(st.integers(1, 500), min_size=1, max_size=8), st.integers(20, 300))
def test_what_was_cached_first_is_finished_before_the_next_begins(counts, step):
    waiting = [PendingMail(task=str(index), count=count) for index, count in enumerate(counts)]
    made = forecast(plan(step), waiting, now=NOW, left_today=step)
    order = [int(task) for day in made.days for task, _ in day.parts]
    assert order == sorted(order)


def test_mail_that_is_due_at_the_end_of_time_has_no_day():
    far = datetime.max.replace(tzinfo=UTC)
    made = forecast(plan(500), [PendingMail(task="a", count=5, due_at=far)], now=NOW, left_today=None)
    assert made.days == ()
    assert made.remaining == (("a", 5),)


def test_the_days_to_come_are_those_of_the_present_level_and_say_that_a_raise_may_come():
    led = parse_plan("d.example", {"plan": "reputation", "started_on": "2026-03-01"})
    now = datetime(2026, 3, 5, 12, tzinfo=UTC)
    waiting = [PendingMail(task="a", count=4_000)]
    lowered = ReputationState(
        sender_domain="d.example", level=3, next_level=2, next_day=datetime(2026, 3, 6, tzinfo=UTC)
    )
    made = forecast(led, waiting, now=now, left_today=1_500, reputation=lowered)
    assert [day.count() for day in made.days] == [1_500, 1_000, 1_000, 500]
    assert made.may_be_earlier
    assert not forecast(led, waiting, now=now, left_today=5_000, reputation=lowered).may_be_earlier, "all leaves today"
    shadow = parse_plan("d.example", {"plan": "reputation", "shadow": True, "started_on": "2026-03-01"})
    made = forecast(shadow, waiting, now=now, left_today=0, reputation=lowered)
    assert {day.room for day in made.days} == {500}
    assert not made.may_be_earlier


def test_mail_of_a_blocked_domain_leaves_when_the_block_is_over():
    led = parse_plan("d.example", {"plan": "reputation", "started_on": "2026-03-01"})
    now, until = datetime(2026, 3, 5, 12, tzinfo=UTC), datetime(2026, 3, 7, tzinfo=UTC)
    blocked = ReputationState(sender_domain="d.example", level=1, blocked_until=until)
    waiting = [PendingMail(task="a", count=600)]
    made = forecast(led, waiting, now=now, left_today=0, reputation=blocked)
    assert [(day.day.starts_at.day, day.count()) for day in made.days] == [(7, 500), (8, 100)]
    for_good = ReputationState(sender_domain="d.example", level=1, blocked_until=datetime.max.replace(tzinfo=UTC))
    never = forecast(led, waiting, now=now, left_today=0, reputation=for_good, most_days=400)
    assert (never.days, never.remaining) == ((), (("a", 600),))
