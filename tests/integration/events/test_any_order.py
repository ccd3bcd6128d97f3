"""Any order, any repetition, any batches and any number of writers of the same events give the same state."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ses_ops.application.record_events import record_events
from ses_ops.domain.delivery_failure import DeliveryFailure, Reason
from ses_ops.domain.message_event import EventKind
from ses_ops.storage.connection import connected
from tests.integration.events.mailing import BEGAN, sent

#: Two messages to one address and one to another: what an address chose is read over all its messages.
ADDRESSES = ["ann@gmail.com", "bo@shop.example"]
STATE = (
    "SELECT occurrence_id, seq, task_id, sender_domain, sent_day, mailbox_provider, outcome, deferred, delivered,"
    " dropped, bounced, spam, infrastructure,"
    " complained, unsubscribed_at, resubscribed_at, first_at, last_at FROM message_feedback ORDER BY 1, 2",
    "SELECT * FROM feedback_count WHERE (deferred, delivered, dropped, soft_bounced, hard_bounced, complained,"
    " unsubscribed) <> (0, 0, 0, 0, 0, 0, 0) ORDER BY 1, 2, 3, 4",
    "SELECT address_key, scope, reason FROM suppression ORDER BY 1, 2",
    "SELECT event_key, occurred_at, kind FROM message_event ORDER BY 1",
)
#: What counts of messages are when they are worked out from the rows of messages.
RECOUNTED = (
    "SELECT task_id, sender_domain, sent_day, mailbox_provider, count(*) FILTER (WHERE outcome = 1)::int,"
    " count(*) FILTER (WHERE outcome = 3)::int, count(*) FILTER (WHERE outcome = 2)::int,"
    " count(*) FILTER (WHERE outcome = 4)::int, count(*) FILTER (WHERE outcome = 5)::int,"
    " count(*) FILTER (WHERE complained)::int, count(*) FILTER (WHERE unsubscribed)::int,"
    " count(*) FILTER (WHERE outcome = 4 AND spam)::int,"
    " count(*) FILTER (WHERE outcome = 4 AND infrastructure AND NOT spam)::int"
    " FROM message_feedback GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
)
#: What a bounce says: of the recipient, of the mail, of our own side, or nothing.
REASONS = (Reason.MAILBOX_FULL, Reason.BLOCKED, Reason.RELAY_DENIED, None)
EVENT = st.tuples(
    st.integers(0, 1),
    st.integers(1, 2),
    st.sampled_from(list(EventKind)),
    st.booleans(),
    st.integers(0, 3),
    st.sampled_from(REASONS),
)


def state(world):
    found = [world.rows(sql) for sql in STATE]
    recounted = [row for row in world.rows(RECOUNTED) if any(row[4:])]
    assert found[1] == recounted
    return found


def cleared(world):
    world.execute("TRUNCATE message_event, message_feedback, feedback_count, suppression, event_feed")


@pytest.fixture
def mailings(world):
    return [sent(world, name, ADDRESSES) for name in ("spring", "summer")]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(EVENT, min_size=1, max_size=9), data=st.data())
def test_the_state_does_not_depend_on_order_repetition_or_batches(world, mailings, drawn, data):
    events = [
        mailings[which].event(
            seq,
            kind,
            hard=hard,
            occurred_at=BEGAN + timedelta(minutes=minute),
            failure=reason and DeliveryFailure(reason, ""),
            source_id=f"{which}-{seq}-{kind}-{hard}-{minute}-{reason}",
        )
        for which, seq, kind, hard, minute, reason in drawn
    ]
    cleared(world)
    record_events(world.conn, events)
    once = state(world)
    cleared(world)
    again = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events), max_size=4))))
    while again:
        size = data.draw(st.integers(1, len(again)))
        record_events(world.conn, again[:size])
        again = again[size:]
    assert state(world) == once


def test_writers_at_once_lose_nothing_and_never_wait_in_a_circle(world, mailings):
    """Eight writers give the same events in orders of their own, batch by batch, to few messages."""
    kinds = list(EventKind)
    events = [
        mailings[number % 2].event(1 + number % 3 % 2, kinds[number % 7], hard=number % 2 == 0, after=number % 50)
        for number in range(400)
    ]
    record_events(world.conn, events)
    once = state(world)
    cleared(world)
    problems: list[BaseException] = []

    def write(shift: int) -> None:
        mine = events[shift * 50 :] + events[: shift * 50]
        if shift % 2:
            mine.reverse()
        try:
            with connected(world.dsn) as conn:
                for first in range(0, len(mine), 7):
                    record_events(conn, mine[first : first + 7])
        except BaseException as problem:
            problems.append(problem)

    writers = [threading.Thread(target=write, args=(shift,)) for shift in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert not problems
    assert state(world) == once
    distinct = len({event.source_id for event in events})
    assert world.rows("SELECT events, repetitions FROM event_feed") == [(distinct, 8 * len(events) - distinct)]
