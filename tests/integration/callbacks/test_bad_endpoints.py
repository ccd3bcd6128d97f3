"""Endpoints that hang, close, drip, redirect, answer ten million octets, refuse, or lead into a private network."""

from __future__ import annotations

import time

import pytest

from ses_ops.application.callbacks import endpoint_decisions as decisions
from ses_ops.domain.message_event import EventKind
from ses_ops.errors import InvalidInput
from tests.callback_receiver import CLOSE, DRIP, HANG, HUGE, receiver
from tests.integration.callbacks.delivering import LOOPBACK, SOMEBODY, all_due, deliverer, endpoint, until, waiting
from tests.integration.events.mailing import sent


def tried(world):
    return world.rows("SELECT tries, last_status, last_answer FROM callback_waiting")


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (HANG, (1, None, "timed_out")),
        (DRIP, (1, None, "timed_out")),
        (CLOSE, (1, None, "broken")),
        ((500, {"body": "no \x00 <b>thanks</b>"}), (1, 500, "no   <b>thanks</b>")),
        (404, (1, 404, "")),
    ],
)
def test_what_is_no_success_is_tried_again_with_the_same_id(world, monkeypatch, answer, wanted):
    waited_for = answer in (HANG, DRIP)
    wait = "ses_ops.web.guarded_post.GuardedClient.post.__kwdefaults__"
    monkeypatch.setattr(wait, {"within": 1.0 if waited_for else 30.0}, raising=False)
    mailing = sent(world, "spring", ["anna@example.org"])
    with receiver(answer) as hook:
        endpoint(world, hook.url)
        mailing.record(mailing.event(1, EventKind.DELIVERED))
        with deliverer(world.dsn):
            until(lambda: tried(world) == [wanted])
            spans = "extract(epoch FROM next_at - entered_at)::float, extract(epoch FROM next_at - now())::float"
            ((after_the_event, from_now),) = world.rows(f"SELECT {spans} FROM callback_waiting")
            assert after_the_event > 3
            assert from_now < 7
            monkeypatch.setattr(wait, {"within": 30.0}, raising=False)
            hook.answer = 200
            all_due(world)
            until(lambda: waiting(world) == 0)
        ids = {post.headers["webhook-id"] for post in hook.posts}
    assert len(hook.posts) == 2
    assert len(ids) == 1
    assert world.rows("SELECT outcome, tries, status FROM callback_delivery") == [("delivered", 2, 200)]


def test_a_mistake_of_ours_in_a_post_is_a_failure_of_that_post_and_not_the_end_of_its_endpoint(world):
    async def mistaken(host, port):
        if not mended:
            raise RuntimeError("a mistake of ours")
        return ["127.0.0.1"]

    mended = []
    mailing = sent(world, "spring", ["anna@example.org"])
    with receiver() as hook:
        endpoint(world, hook.url, concurrency=1)
        mailing.record(mailing.event(1, EventKind.DELIVERED))
        with deliverer(world.dsn, resolve=mistaken):
            until(lambda: tried(world) == [(1, None, "broken")])
            mended.append(1)
            all_due(world)
            until(lambda: waiting(world) == 0)


def test_a_success_with_ten_million_octets_is_a_success_and_is_not_read(world):
    mailing = sent(world, "spring", ["anna@example.org"])
    with receiver(HUGE) as hook:
        endpoint(world, hook.url)
        mailing.record(mailing.event(1, EventKind.DELIVERED))
        with deliverer(world.dsn):
            until(lambda: waiting(world) == 0)
        assert hook.answered < 9_000_000, "the connection was ended"
    ((answer,),) = world.rows("SELECT answer FROM callback_delivery")
    assert answer == "x" * 300


def test_a_redirect_is_a_failure_and_nobody_is_asked_at_its_target(world):
    mailing = sent(world, "spring", ["anna@example.org"])
    with receiver() as other, receiver((302, {"location": "http://169.254.169.254/latest/meta-data"})) as hook:
        endpoint(world, hook.url)
        mailing.record(mailing.event(1, EventKind.DELIVERED))
        with deliverer(world.dsn):
            until(lambda: tried(world) == [(1, 302, "")])
            hook.answer = lambda _: (307, {"location": other.url})
            all_due(world)
            until(lambda: tried(world) == [(2, 307, "")])
        assert not other.posts


@pytest.mark.parametrize("status", [403, 410])
def test_an_endpoint_that_wants_no_more_posts_is_stopped_and_its_events_wait(world, status):
    mailing = sent(world, "spring", [f"u{n}@example.org" for n in range(50)])
    told = []
    with receiver(status) as hook:
        endpoint(world, hook.url)
        mailing.record(*(mailing.event(seq, EventKind.DELIVERED) for seq in range(1, 51)))
        with deliverer(world.dsn, after_stop=lambda: told.append(1)):
            until(lambda: world.rows("SELECT stopped_at IS NOT NULL FROM callback_endpoint") == [(True,)])
            until(lambda: told == [1])
            time.sleep(3)
            assert len(hook.posts) <= 16, "no more than were under way"
            (one,) = decisions.shown_endpoints(world.conn)
            world.conn.rollback()
            assert (one.waiting, str(status) in one.stopped_why) == (50, True)
            hook.answer = 200
            decisions.resume(world.conn, SOMEBODY, "hook")
            all_due(world)
            until(lambda: waiting(world) == 0, 60)
    assert told == [1]


def test_a_hanging_endpoint_delays_no_other(world):
    mailing = sent(world, "spring", [f"u{n}@example.org" for n in range(100)])
    with receiver(HANG) as dead, receiver() as well:
        endpoint(world, dead.url, name="dead")
        endpoint(world, well.url, name="well")
        mailing.record(*(mailing.event(seq, EventKind.DELIVERED) for seq in range(1, 101)))
        with deliverer(world.dsn):
            began = time.monotonic()
            well.wait_for(lambda: len(well.posts) == 100)
            assert time.monotonic() - began < 9, "the dead endpoint is waited for, for ten seconds a post"
        assert 0 < len(dead.posts) <= 16
    assert world.rows("SELECT count(*)::int FROM callback_waiting") == [(100,)]


def test_an_outage_is_noticed_once_and_its_end_is_no_storm(world):
    mailing = sent(world, "spring", [f"u{n}@example.org" for n in range(400)])
    with receiver(503) as hook:
        endpoint(world, hook.url)
        mailing.record(*(mailing.event(seq, EventKind.DELIVERED) for seq in range(1, 401)))
        with deliverer(world.dsn):
            until(lambda: world.rows("SELECT failing_since IS NOT NULL FROM callback_endpoint") == [(True,)])
            time.sleep(1)
            during, hook.answer = len(hook.posts), 200
            assert during <= 20, "one post at a time, now and then"
            until(lambda: len(hook.posts) > during)
            until(lambda: waiting(world) <= 20)
        back = [post.at for post in hook.posts[during:]]
        first_second = [at for at in back if at < back[0] + 1]
        assert len(first_second) <= 45, "it begins with twenty a second"
        assert back[-1] - back[0] < 45
    assert world.rows("SELECT failing_since FROM callback_endpoint") == [(None,)]


def test_an_endpoint_that_asks_to_be_left_alone_is_left_alone(world):
    mailing = sent(world, "spring", ["a@example.org", "b@example.org"])
    with receiver((429, {"retry-after": "30"})) as hook:
        endpoint(world, hook.url, concurrency=1)
        mailing.record(*(mailing.event(seq, EventKind.DELIVERED) for seq in (1, 2)))
        with deliverer(world.dsn):
            hook.wait_for(lambda: hook.posts)
            all_due(world)
            time.sleep(2)
        assert len(hook.posts) == 1


def test_an_endpoint_that_has_failed_for_days_is_stopped_by_one_of_two_deliverers(world):
    endpoint(world, "http://127.0.0.1:9/hook")
    with world.conn, world.conn.cursor() as cursor:
        cursor.execute("UPDATE callback_endpoint SET failing_since = now() - interval '5 days 1 minute'")
    told = []
    more = {"after_stop": lambda: told.append(1)}
    with deliverer(world.dsn, **more), deliverer(world.dsn, **more):
        until(lambda: told == [1])
        time.sleep(2.5)
    assert told == [1]
    (one,) = decisions.shown_endpoints(world.conn)
    assert "5 days" in one.stopped_why


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/x", "http://[::1]/x", "http://localhost/x", "http://169.254.169.254/", "http://10.0.0.1:8080/"],
)
def test_an_address_of_a_private_network_is_refused_when_it_is_entered(world, url):
    new = decisions.NewEndpoint(name="hook", url=url)
    with pytest.raises(InvalidInput, match="private network"):
        decisions.add(world.conn, SOMEBODY, new, allowed=())


def test_a_name_that_leads_elsewhere_at_the_second_look_is_not_followed(world):
    """DNS rebinding: the name has a fine address when it is entered, and ours when it is posted to."""
    mailing = sent(world, "spring", ["anna@example.org"])
    asked = []

    async def rebinding(host, port):
        asked.append((host, port))
        return ["93.184.216.34", "127.0.0.1"]

    with receiver() as hook:
        endpoint(world, f"http://localhost:{hook.port}/hook")
        mailing.record(mailing.event(1, EventKind.DELIVERED))
        with deliverer(world.dsn, allowed=(), resolve=rebinding):
            until(lambda: tried(world) == [(1, None, "target_refused")])
        assert asked == [("localhost", hook.port)]
        assert hook.connections == 0


def test_the_connection_goes_to_the_address_that_was_judged_with_the_name_in_the_request(world):
    mailing = sent(world, "spring", ["anna@example.org"])
    asked = []

    async def ours(host, _port):
        asked.append(host)
        return ["127.0.0.1"]

    with receiver() as hook:
        endpoint(world, f"http://localhost:{hook.port}/hook")
        with world.conn, world.conn.cursor() as cursor:
            cursor.execute("UPDATE callback_endpoint SET url = %s", (f"http://hooks.example.invalid:{hook.port}/x",))
        mailing.record(mailing.event(1, EventKind.DELIVERED))
        with deliverer(world.dsn, resolve=ours, allowed=LOOPBACK):
            until(lambda: waiting(world) == 0)
        assert hook.posts[0].headers["host"] == f"hooks.example.invalid:{hook.port}"
        assert asked == ["hooks.example.invalid"]
