"""A program that polls events gets each once, also those of writers that were under way when it asked."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from ses_ops.application.poll_events import next_events
from ses_ops.domain.message_event import EventKind
from ses_ops.storage.connection import connected, transaction
from ses_ops.storage.events import polling
from tests.integration.events.mailing import sent
from tests.integration.sending_world import DOMAIN

DELIVERED, BOUNCED = EventKind.DELIVERED, EventKind.BOUNCED


@pytest.fixture
def mailing(world):
    return sent(world, "spring", ["ann@example.com", "bo@example.com", "cy@example.com"])


def polled(conn, after=polling.BEGINNING, **asked):
    with transaction(conn):
        return next_events(conn, after, **{"limit": 100, **asked})


def until_settled(world):
    """Until what was written is old enough to be given."""
    moment = world.rows("SELECT clock_timestamp()")[0][0]
    while polling.settled_until(world.conn) <= moment:
        world.conn.rollback()
        time.sleep(0.05)
    world.conn.rollback()


def test_events_come_in_the_order_of_their_arrival_with_their_message(world, mailing):
    mailing.record(mailing.event(2, BOUNCED, hard=True, diagnostic="550 no such user"))
    mailing.record(mailing.event(1, DELIVERED, after=-3600))
    until_settled(world)
    found, _, more = polled(world.conn)
    assert [(one.kind, one.seq, one.address) for one in found] == [
        ("bounced", 2, "bo@example.com"),
        ("delivered", 1, "ann@example.com"),
    ]
    assert not more
    assert (found[0].hard, found[0].diagnostic, found[0].task) == (True, "550 no such user", "spring")
    assert found[0].sender_domain == DOMAIN
    assert found[0].message_id is None


def test_each_event_is_given_once_whatever_the_page(world, mailing):
    for after in range(20):
        mailing.record(*(mailing.event(seq, DELIVERED, after=after, source_id=f"{seq}-{after}") for seq in (1, 2, 3)))
    until_settled(world)
    everything = [one.event_key for one in polled(world.conn)[0]]
    assert len(everything) == len(set(everything)) == 60
    for limit, window in ((1, 7), (7, 7), (10, 3), (100, 59)):
        keys, after, more = [], polling.BEGINNING, True
        while more:
            found, after, more = polled(world.conn, after, limit=limit, window=window)
            keys += [one.event_key for one in found]
        assert keys == everything, (limit, window)


def test_a_filter_that_leaves_everything_out_moves_on_all_the_same(world, mailing):
    mailing.record(*(mailing.event(1, DELIVERED, after=one, source_id=str(one)) for one in range(5)))
    mailing.record(mailing.event(2, BOUNCED))
    until_settled(world)
    found, after, more = polled(world.conn, kinds={"bounced"}, window=4)
    assert (found, more) == ([], True)
    found, _, more = polled(world.conn, after, kinds={"bounced"}, window=4)
    assert ([one.kind for one in found], more) == (["bounced"], False)
    assert polled(world.conn, domains={"other.example"})[0] == []


def test_what_a_writer_has_not_committed_yet_is_not_passed_over(world, mailing):
    with connected(world.dsn) as writer, writer.cursor() as cursor:
        cursor.execute(
            "INSERT INTO message_event (event_key, occurred_at, occurrence_id, seq, kind, source, source_id)"
            " VALUES (gen_random_uuid(), now(), %s, 3, 'delivered', 'test', 'slow')",
            (mailing.occurrence_id,),
        )
        time.sleep(0.05)
        mailing.record(mailing.event(1, DELIVERED))
        time.sleep(1.2)  # the younger event is old enough by itself
        found, after, _ = polled(world.conn)
        assert found == [], "an older one is still to come"
        writer.commit()
    until_settled(world)
    assert [one.seq for one in polled(world.conn, after)[0]] == [3, 1]


def test_a_poll_reads_by_the_index_of_arrivals(world, mailing):
    """Of a month with many events only the window is read."""
    world.execute(
        "INSERT INTO message_event (event_key, occurred_at, received_at, occurrence_id, seq, kind, source, source_id)"
        " SELECT gen_random_uuid(), now(), now() - interval '1 hour' + n * interval '1 ms', %s, 1, 'delivered', 'test',"
        " n FROM generate_series(1, 20000) n",
        mailing.occurrence_id,
    )
    world.execute("ANALYZE message_event")
    late = world.rows("SELECT now()")[0][0] - timedelta(minutes=59, seconds=50)
    began = time.process_time()
    found, _, more = polled(world.conn, (late, polling.BEGINNING[1]), limit=10, window=10)
    assert len(found) == 10
    assert more
    assert time.process_time() - began < 1
    plan = "\n".join(
        row[0]
        for row in world.rows(
            "EXPLAIN SELECT * FROM message_event WHERE (received_at, event_key) > (%s, gen_random_uuid())"
            " ORDER BY received_at, event_key LIMIT 10",
            late,
        )
    )
    assert "received_at_event_key" in plan
    assert "Seq Scan" not in plan
