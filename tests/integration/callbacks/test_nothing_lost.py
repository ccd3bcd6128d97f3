"""No event is lost: deliverers that are killed, that run beside each other, databases that go, refusals, replays."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.application.callbacks import endpoint_decisions as decisions
from ses_ops.domain.message_event import EventKind
from ses_ops.errors import InvalidInput, NotFound
from ses_ops.storage.callbacks import deliveries, waiting_posts
from ses_ops.storage.connection import connected, transaction
from tests.callback_receiver import HANG, receiver
from tests.integration.callbacks.delivering import SOMEBODY, deliverer, endpoint, until, waiting
from tests.integration.events.mailing import sent
from tests.integration.sending_world import World
from tests.recording_smtp import RecordingServer

PROCESS = """
import sys, asyncio
from datetime import timedelta
from ses_ops.application.callbacks.deliverer import Deliverer
from ses_ops.domain.callback_target import parse_networks
allowed = parse_networks("127.0.0.0/8", where="")
asyncio.run(Deliverer(sys.argv[1], allowed=allowed, lease=timedelta(seconds=3)).run(asyncio.Event()))
"""


def mailing_of(world, count):
    return sent(world, "spring", [f"u{n}@example.org" for n in range(1, count + 1)])


def test_outcomes_that_wait_for_the_ledgers_thread_when_the_deliverer_ends_are_written(world):
    mailing = mailing_of(world, 3)
    may_answer, go_on = threading.Event(), threading.Event()

    def answer(post):
        assert may_answer.wait(30)
        time.sleep(0.3)  # one after the other: the outcome of the first waits when the second comes
        return 204

    with receiver() as hook:
        endpoint(world, hook.url)
        with deliverer(world.dsn) as running:
            mailing.record(mailing.event(1, EventKind.DELIVERED))
            until(lambda: waiting(world) == 0)
            hook.answer = answer
            mailing.record(*(mailing.event(seq, EventKind.DELIVERED) for seq in (2, 3)))
            hook.wait_for(lambda: len(hook.posts) == 2)
            time.sleep(0.3)  # its lane has found nothing more, and rests
            running._ledger._thread.submit(go_on.wait, 30)
            threading.Timer(0.5, may_answer.set).start()
            threading.Timer(2, go_on.set).start()
    assert waiting(world) == 0


def test_outcomes_that_come_while_the_schema_is_another_are_written_when_it_is_this_one_again(world, caplog):
    """As during `ses migrate`."""

    def rename(table, name):
        with world.conn, world.conn.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} RENAME TO {name}")

    mailing = mailing_of(world, 1)
    may_answer = threading.Event()
    with receiver(lambda post: 204 if may_answer.wait(60) else 500) as hook:
        endpoint(world, hook.url)
        mailing.record(mailing.event(1, EventKind.DELIVERED))
        with deliverer(world.dsn, lease=300):
            hook.wait_for(lambda: hook.posts)
            rename("callback_delivery", "callback_elsewhere")
            may_answer.set()
            until(lambda: "has not this version's schema" in caplog.text)
            rename("callback_elsewhere", "callback_delivery")
            until(lambda: waiting(world) == 0)
    assert len(hook.posts) == 1


def test_a_deliverer_that_is_killed_in_the_middle_of_posts_loses_nothing_and_they_keep_their_ids(world):
    mailing = mailing_of(world, 40)
    with receiver(HANG) as hook:
        endpoint(world, hook.url, concurrency=10)  # these ten posts, and no more, are under way when it is killed
        mailing.record(*(mailing.event(seq, EventKind.DELIVERED) for seq in range(1, 41)))
        process = subprocess.Popen([sys.executable, "-c", PROCESS, world.dsn])
        try:
            hook.wait_for(lambda: len(hook.posts) == 10)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        before = {post.headers["webhook-id"] for post in hook.posts}
        assert waiting(world) == 40
        hook.answer = 200
        with deliverer(world.dsn):
            until(lambda: waiting(world) == 0, 120)
        after = Counter(post.headers["webhook-id"] for post in hook.posts[len(before) :])
    assert len(after) == 40
    assert set(after.values()) == {1}
    assert before < set(after)


def test_a_deliverer_that_ends_gives_back_what_it_has_not_begun(world):
    mailing = mailing_of(world, 60)
    with receiver(delay=0.2) as hook:
        endpoint(world, hook.url, concurrency=2)
        mailing.record(*(mailing.event(seq, EventKind.DELIVERED) for seq in range(1, 61)))
        with deliverer(world.dsn, lease=600):
            hook.wait_for(lambda: len(hook.posts) >= 3)
        posted = len(hook.posts)
        assert waiting(world) == 60 - posted, "what was begun has ended"
        assert world.rows("SELECT count(*)::int FROM callback_waiting WHERE next_at > now()") == [(0,)]
    assert world.rows("SELECT count(*)::int FROM callback_deliverer") == [(0,)]


def test_two_deliverers_post_each_event_once_and_each_message_in_its_order(world):
    mailing = mailing_of(world, 30)
    kinds = (EventKind.DEFERRED, EventKind.DELIVERED, EventKind.COMPLAINED)
    with receiver(delay=0.01) as hook:
        endpoint(world, hook.url)
        for seq in range(1, 31):
            mailing.record(*(mailing.event(seq, kind, after=after) for after, kind in enumerate(kinds)))
        with deliverer(world.dsn), deliverer(world.dsn):
            until(lambda: waiting(world) == 0, 90)
        ids = Counter(post.headers["webhook-id"] for post in hook.posts)
        assert (len(ids), set(ids.values())) == (90, {1})
        for seq in range(1, 31):
            mine = [p.json["data"]["kind"] for p in hook.posts if p.json["data"]["recipient"] == f"u{seq}@example.org"]
            assert mine == ["deferred", "delivered", "complained"]


def test_one_whose_lease_is_over_cannot_write_a_failure_but_a_success_counts(world):
    mailing = mailing_of(world, 2)
    endpoint(world, "http://127.0.0.1:9/")
    mailing.record(*(mailing.event(seq, EventKind.DELIVERED) for seq in (1, 2)))
    ((number,),) = world.rows("SELECT id FROM callback_endpoint")

    def claim(conn):
        with transaction(conn):
            taken, _ = waiting_posts.claim(conn, endpoint_id=number, limit=10, lease=timedelta(0))
        return taken

    with connected(world.dsn) as first, connected(world.dsn) as second:
        old, new = claim(first), claim(second)
        assert [one.id for one in old] == [one.id for one in new]
        with transaction(first):
            waiting_posts.write_failed(first, [waiting_posts.Failed(old[0].id, old[0].lease, 3600, 1, 500, "")])
            waiting_posts.write_ended(first, [waiting_posts.Ended(old[1].id, old[1].lease, "delivered", 200, "", 1)])
    assert world.rows("SELECT tries, next_at < now() + interval '1 minute' FROM callback_waiting") == [(0, True)]


def test_an_event_that_is_not_recorded_is_not_posted_and_one_that_is_recorded_waits(world):
    mailing = mailing_of(world, 1)
    endpoint(world, "http://127.0.0.1:9/")
    world.execute("ALTER TABLE event_feed ADD CONSTRAINT refuses CHECK (events < 1)")
    with pytest.raises(Exception, match="refuses"):
        mailing.record(mailing.event(1, EventKind.DELIVERED))
    assert waiting(world) == 0
    world.execute("ALTER TABLE event_feed DROP CONSTRAINT refuses")
    mailing.record(mailing.event(1, EventKind.DELIVERED))
    assert waiting(world) == 1


def test_a_refusal_while_sending_is_posted_with_the_servers_words_once(world):
    refused = re.compile("customers-[12]@").match
    refuse = lambda address: b"550 5.1.1 no such user" if refused(address) else None  # noqa: E731
    with receiver() as hook, RecordingServer(refuse) as server:
        endpoint(world, hook.url)
        endpoint(world, hook.url, name="old", made_as=decisions.CallbackFormat.TENCENT)
        endpoint(world, hook.url, name="other", kinds=["complained"])
        refusing = World(dsn=world.dsn, templates=world.templates, smtp_uri=server.uri)
        refusing.group("customers", 20)
        refusing.task("spring", group="customers")
        refusing.whole_run(refusing.run("spring"))
        refusing.close()
        failed = world.rows("SELECT smtp_code, count(*)::int FROM message WHERE state = 'failed' GROUP BY 1")
        assert failed, world.rows("SELECT state, smtp_code, smtp_text FROM message")
        count = failed[0][1]
        assert waiting(world) == 2 * count
        with deliverer(world.dsn):
            until(lambda: waiting(world) == 0)
        native = [post.json for post in hook.posts if "webhook-id" in post.headers]
        tencent = [post.json for post in hook.posts if "webhook-id" not in post.headers]
    assert {one["type"] for one in native} == {"message.refused"}
    assert native[0]["data"]["failure"]["smtp_code"] == failed[0][0]
    assert {(one["event"], one["eventid"], one["bounceType"]) for one in tencent} == {("bounce", 3, "hard_bounce")}
    ((attempt,),) = world.rows("SELECT max(id) FROM attempt")
    assert waiting_posts.enqueue_refused(world.conn, attempt_id=attempt) == 0, (
        "the end of an attempt may be written again"
    )
    world.conn.rollback()


def test_what_was_posted_is_replayed_by_event_by_span_and_what_never_was_from_the_store(world):
    mailing = mailing_of(world, 3)
    mailing.record(mailing.event(3, EventKind.DELIVERED))
    with receiver() as hook:
        endpoint(world, hook.url)
        mailing.record(mailing.event(1, EventKind.DELIVERED), mailing.event(2, EventKind.DELIVERED, after=60))
        with deliverer(world.dsn):
            until(lambda: waiting(world) == 0)
            first = [post.headers["webhook-id"] for post in hook.posts]
            assert decisions.replay(world.conn, SOMEBODY, "hook", event_key=first[0]).count == 1
            until(lambda: waiting(world) == 0)
            assert hook.posts[2].headers["webhook-id"] == first[0]
            span = {"since": datetime(2026, 11, 20, 10, 30, tzinfo=UTC), "until": datetime(2026, 11, 21, tzinfo=UTC)}
            assert decisions.replay(world.conn, SOMEBODY, "hook", **span).count == 1
            until(lambda: waiting(world) == 0)
            assert decisions.replay(world.conn, SOMEBODY, "hook", not_delivered=True, **span).count == 0
            span["since"] = datetime(2026, 11, 20, tzinfo=UTC)
            done = decisions.replay(world.conn, SOMEBODY, "hook", also_never_posted=True, **span)
            assert done.count == 3, "two that were posted, and the one from before the endpoint"
            until(lambda: waiting(world) == 0)
    assert len({post.headers["webhook-id"] for post in hook.posts}) == 3
    with pytest.raises(NotFound):
        decisions.replay(world.conn, SOMEBODY, "nobody", **span)
    with pytest.raises(InvalidInput):
        decisions.replay(world.conn, SOMEBODY, "hook")


def test_events_of_an_endpoint_that_is_paused_wait_and_old_ones_expire(world):
    mailing = mailing_of(world, 3)
    with receiver() as hook:
        endpoint(world, hook.url)
        decisions.pause(world.conn, SOMEBODY, "hook")
        mailing.record(*(mailing.event(seq, EventKind.DELIVERED) for seq in (1, 2, 3)))
        world.execute("UPDATE callback_waiting SET entered_at = now() - interval '7 days 1 minute' WHERE seq = 1")
        with deliverer(world.dsn):
            until(lambda: waiting(world) == 2)
            assert not hook.posts
            decisions.resume(world.conn, SOMEBODY, "hook")
            until(lambda: waiting(world) == 0)
    assert world.rows("SELECT seq, outcome FROM callback_delivery ORDER BY 1") == [
        (1, "expired"),
        (2, "delivered"),
        (3, "delivered"),
    ]


def test_the_partitions_of_posts_are_made_ahead_and_dropped_and_no_row_is_lost(world):
    world.execute(
        "INSERT INTO callback_delivery (endpoint_id, event_key, occurred_at, occurrence_id, seq, kind, entered_at,"
        " ended_at, outcome, tries) SELECT 1, gen_random_uuid(), now(), 1, 1, 'test', now(),"
        " now() - n * interval '1 day', 'delivered', 1 FROM generate_series(0, 9) n"
    )
    with transaction(world.conn):
        deliveries.keep_days(world.conn, days=7)
        assert deliveries.keep_days(world.conn, days=7) == 0
    assert world.rows("SELECT count(*)::int FROM callback_delivery") == [(7,)]
    names = [
        name for (name,) in world.rows("SELECT relname FROM pg_class WHERE relname ~ '^callback_delivery_2.*\\d$'")
    ]
    assert len(names) == 2


def test_an_erased_person_is_named_in_no_post(world):
    mailing = mailing_of(world, 1)
    with receiver() as hook:
        endpoint(world, hook.url)
        mailing.record(mailing.event(1, EventKind.DELIVERED))
        world.execute("UPDATE message SET address_key = 'erased:abc', address = 'erased:abc'")
        with deliverer(world.dsn):
            until(lambda: waiting(world) == 0)
        assert not hook.posts
    assert world.rows("SELECT outcome FROM callback_delivery") == [("gone",)]


def test_the_deliverer_waits_for_a_database_that_ends_its_sessions_and_goes_on(world):
    mailing = mailing_of(world, 20)
    with receiver(delay=0.05) as hook:
        endpoint(world, hook.url, concurrency=1)
        mailing.record(*(mailing.event(seq, EventKind.DELIVERED) for seq in range(1, 21)))
        with deliverer(world.dsn, lease=2):
            hook.wait_for(lambda: len(hook.posts) >= 3)
            world.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'ses deliver callbacks' AND datname = current_database()"
            )
            until(lambda: waiting(world) == 0, 60)
    assert len({post.headers["webhook-id"] for post in hook.posts}) == 20
