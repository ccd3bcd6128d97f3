"""Any order, any repetition, any batches and any number of writers of the same opens and clicks give the same state."""

from __future__ import annotations

import random
import threading
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ses_ops.application.record_engagement import record_engagement
from ses_ops.application.record_events import record_events
from ses_ops.domain.engagement import Engagement
from ses_ops.domain.message_event import EventKind
from ses_ops.storage.connection import connected
from tests.integration.engagement.opens import BARE, PHONE, RELAY, SENT, WINDOWS, cleared, opens_of, state

AGENTS = [PHONE, WINDOWS, BARE, "", "curl/8.5", "Mozilla/5.0 (via ggpht.com GoogleImageProxy)"]
EVENT = st.tuples(
    st.integers(0, 1),
    st.integers(1, 2),
    st.booleans(),
    st.sampled_from([-3, 0, 1, 4, 5, 9, 12, 14, 31, 40, 41, 43, 3700]),
    st.integers(0, 3),
    st.sampled_from(AGENTS),
    st.sampled_from(["192.0.2.7", "198.51.100.4", "2001:db8::1", RELAY, ""]),
)


@pytest.fixture
def mailings(world):
    return [opens_of(world, name, ["ann@gmail.com", "bo@shop.example"]) for name in ("spring", "summer")]


def event_of(mailings, drawn) -> Engagement:
    which, seq, clicked, after, place, agent, ip = drawn
    opens = mailings[which]
    if clicked:
        return opens.click(seq, min(after, 2900), place, agent, ip)
    return opens.open(seq, min(after, 2900), agent, ip)


def record(conn, events):
    """Opens and clicks, and the words of a provider, as they come together."""
    engagement = [one for one in events if isinstance(one, Engagement)]
    record_events(conn, [one for one in events if not isinstance(one, Engagement)])
    record_engagement(conn, engagement)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(EVENT, min_size=1, max_size=12), data=st.data())
def test_the_state_does_not_depend_on_order_repetition_or_batches(world, mailings, drawn, data):
    events = [event_of(mailings, one) for one in drawn]
    delivered = data.draw(st.sets(st.tuples(st.integers(0, 1), st.integers(1, 2))))
    for which, seq in sorted(delivered):
        moment = SENT + timedelta(seconds=30)
        events.append(mailings[which].mailing.event(seq, EventKind.DELIVERED, occurred_at=moment))
    cleared(world)
    record(world.conn, events)
    once = state(world)
    cleared(world)
    again = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events), max_size=4))))
    while again:
        size = data.draw(st.integers(1, len(again)))
        record(world.conn, again[:size])
        again = again[size:]
    assert state(world) == once


def test_writers_at_once_lose_nothing_and_never_wait_in_a_circle(world, mailings):
    """Six writers give the same events in orders of their own, batch by batch, to few messages."""
    draw = random.Random(15)
    events = [
        event_of(
            mailings,
            (n % 2, 1 + n % 3 % 2, n % 4 != 0, draw.uniform(0, 2900), n % 5, AGENTS[n % 6], f"192.0.{n % 4}.{n % 9}"),
        )
        for n in range(300)
    ]
    record_engagement(world.conn, events)
    once = state(world)
    cleared(world)
    problems: list[BaseException] = []

    def write(number: int) -> None:
        mine = events[:]
        random.Random(number).shuffle(mine)
        try:
            with connected(world.dsn) as conn:
                for begin in range(0, len(mine), 25):
                    record_engagement(conn, mine[begin : begin + 25])
        except BaseException as problem:
            problems.append(problem)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for one in writers:
        one.start()
    for one in writers:
        one.join(120)
    assert not problems
    assert state(world) == once
