"""Cached mail is served first (docs/decisions/0005).

The law: let mail be cached on quota day D while `ahead` messages of its domain had been cached before it. Its n-th
message leaves no later than on the first day D' after D by which the days D+1 to D' allot `ahead + n` messages
together. Whatever comes later does not occur in this: no stream of new tasks, no recurrence of the same task, no
trigger by hand can put it off, and the oldest cached mail leaves on D+1. It holds while the task is not stopped and its
runs begin within a twelfth of a day of their time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ses_ops.domain.occurrence import RunKind
from tests.integration.sending.domain_days import DomainDays
from tests.integration.sending.simulated_clock import SimulatedClock
from tests.integration.sending_world import DOMAIN, World
from tests.sizes import size as sized

DAYS = 10
KINDS = ("new task", "new task", "daily task", "task of every six hours", "trigger by hand")
#: The day of a clock change is the fifth of the ten.
STARTS = {
    "Asia/Tokyo": datetime(2035, 3, 7, tzinfo=UTC),
    "America/New_York": datetime(2035, 3, 7, 5, tzinfo=UTC),
    "America/New_York in autumn": datetime(2035, 10, 31, 4, tzinfo=UTC),
}

arrivals = st.lists(
    st.tuples(st.integers(0, DAYS * 240 - 1), st.sampled_from(KINDS), st.integers(1, 60)), min_size=2, max_size=9
)
allotments = st.lists(st.integers(1, 50), min_size=1, max_size=DAYS)


@pytest.fixture
def clock(world) -> SimulatedClock:
    return SimulatedClock(world)


def clear(world: World) -> None:
    world.execute("TRUNCATE send_task, recipient_group, quota_day CASCADE")


def play(world: World, clock: SimulatedClock, stream, steps, place: str, length: timedelta, late: float) -> DomainDays:
    """Ten days of a domain; `stream` says in 240ths of a day when something comes, what, and for how many."""
    clear(world)
    start = STARTS[place]
    zone = place.split(" ", maxsplit=1)[0]
    entry = {"plan": steps, "started_on": start.isoformat(), "time_zone": zone}
    world.quota_variable = {DOMAIN: {**entry, "day_length": f"PT{length.total_seconds():.0f}S"}}
    clock.set(start)
    days = DomainDays(world, clock, latency=late * length)
    names: list[str] = []
    for number, (when, kind, size) in enumerate(sorted(stream)):
        moment = start + when / 240 * length
        if kind == "trigger by hand":
            if names:
                days.at(moment, partial(days.run, names[size % len(names)], RunKind.TRIGGERED))
            continue
        name = f"t{number}"
        names.append(name)
        world.group(name, size)
        recurring = kind != "new task"
        world.task(
            name, group=name, **({"type": "recurring", "every": "1d", "start_at": "2099-01-01"} if recurring else {})
        )
        gap = length / 4 if "six" in kind else length
        while moment < start + DAYS * length:
            slot = {"logical_at": moment} if recurring else {}
            days.at(moment + days.latency, partial(days.run, name, **slot))
            if not recurring:
                break
            moment += gap
    days.play_until(start + (DAYS + 1) * length)
    return days


def check_promises(days: DomainDays, steps: list[int], last_day: int) -> int:
    """Every promise that falls due by `last_day` was kept; returns how many messages that were."""
    sent_on, checked = days.sent_on(), 0
    for promise in days.promises:
        for seq in range(promise.first_seq, promise.last_seq + 1):
            must = promise.last_day(seq, lambda day: steps[min(day, len(steps)) - 1])
            if must > last_day:
                break
            left = sent_on.get((promise.occurrence, seq))
            assert left is not None, f"{promise}: message {seq} has not left at all, it had to on day {must}"
            assert left <= must, f"{promise}: message {seq} left on day {left}, it had to on day {must}"
            checked += 1
    return checked


@settings(max_examples=sized(12, 5), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    stream=arrivals,
    steps=allotments,
    place=st.sampled_from(list(STARTS)),
    length=st.sampled_from([timedelta(hours=24), timedelta(seconds=60)]),
    late=st.sampled_from([0.0, 0.001, 0.07]),
)
# A daily task whose group is larger than the day: yesterday's mail comes before today's.
@example([(90, "daily task", 60)], [25], "Asia/Tokyo", timedelta(hours=24), 0.001)
# Cached in the last hour of a day, before a day of 23 hours.
@example([(235, "daily task", 30), (239, "new task", 30)], [20], "America/New_York", timedelta(hours=24), 0.01)
# A stream of new tasks, each larger than a day.
@example([(100 + 240 * day, "new task", 50) for day in range(9)], [30], "Asia/Tokyo", timedelta(seconds=60), 0.001)
def test_whatever_comes_later_never_delays_cached_mail(world, clock, stream, steps, place, length, late):
    days = play(world, clock, stream, steps, place, length, late)
    check_promises(days, steps, last_day=DAYS)
    world.check_ledger()


def test_the_oldest_cached_mail_leaves_on_the_next_day_against_a_stream_of_new_tasks(world, clock):
    stream = [(230, "new task", 45)] + [
        (240 * day + hour * 10, "new task", 20) for day in range(1, 10) for hour in (0, 9)
    ]
    days = play(world, clock, stream, [30], "Asia/Tokyo", timedelta(seconds=60), 0.001)
    oldest = days.promises[0]
    assert (oldest.task, oldest.ahead, oldest.last_seq - oldest.first_seq + 1) == ("t0", 0, 15)
    sent_on = days.sent_on()
    assert {sent_on[oldest.occurrence, seq] for seq in range(oldest.first_seq, oldest.last_seq + 1)} == {2}
    assert check_promises(days, [30], last_day=DAYS) > 200, "the days were busy"
    ((used,),) = set(world.rows("SELECT used FROM quota_day WHERE number BETWEEN 1 AND 10"))
    assert used == 30, "and no day's quota was left unused while mail was waiting"


def test_what_a_test_send_left_behind_holds_nobody_up(world, clock):
    """A test send that died is given back to the cache, and nobody ever sends it from there."""
    clear(world)
    clock.set(STARTS["Asia/Tokyo"])
    world.quota_variable = {DOMAIN: {"plan": [30], "started_on": "2035-01-01"}}
    world.group("g", 30)
    world.task("left", group="g")
    run = world.run("left")
    world.freeze(run)
    world.reserve(run, chunk_size=30)
    world.settle(run)
    world.execute("UPDATE send_task SET type = 'test' WHERE name = 'left'")
    world.task("new", group="g")
    clock.tick()
    run = world.run("new")
    world.freeze(run)
    assert world.reserve(run).reserved == 30
