"""Events are posted as they are recorded: signed, in order of each message, to the endpoints that want them."""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256

import pytest

from ses_ops.application.callbacks import endpoint_decisions as decisions
from ses_ops.domain.delivery_failure import DeliveryFailure, Reason
from ses_ops.domain.message_event import EventKind
from tests.callback_receiver import receiver
from tests.integration.callbacks.delivering import SOMEBODY, deliverer, endpoint, until, waiting
from tests.integration.events.mailing import Mailing, sent
from tests.single_mail import SENT, SingleMail


def verified_by(post, secret: str) -> bool:
    """As a receiver verifies, by the specification."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{post.headers['webhook-id']}.{post.headers['webhook-timestamp']}.".encode() + post.body
    wanted = "v1," + base64.b64encode(hmac.digest(key, signed, sha256)).decode()
    return wanted in post.headers["webhook-signature"].split(" ")


def test_an_event_is_posted_natively_with_a_signature_that_a_receiver_can_verify(world):
    mailing = sent(world, "spring", ["anna@example.org", "bob@example.org"])
    with receiver() as hook:
        made = endpoint(world, hook.url)
        mailing.record(
            mailing.event(
                1,
                EventKind.BOUNCED,
                hard=True,
                diagnostic="550 5.1.1 no such user",
                failure=DeliveryFailure(Reason.NO_SUCH_ADDRESS, "5.1.1"),
            )
        )
        with deliverer(world.dsn):
            hook.wait_for(lambda: hook.posts)
            until(lambda: waiting(world) == 0)
        (post,) = hook.posts
    assert post.json["type"] == "message.bounced"
    data = post.json["data"]
    assert data["recipient"] == "anna@example.org"
    assert data["hard"] is True
    assert data["failure"]["diagnostic"] == "550 5.1.1 no such user"
    assert data["task"]["name"] == "spring"
    assert post.headers["webhook-id"] == data["event_id"]
    assert verified_by(post, made.secret)
    assert not verified_by(post, "whsec_" + base64.b64encode(b"x" * 32).decode())


def test_the_form_of_the_reference_has_its_fields_types_and_spellings_and_no_signature(world):
    mailing = sent(world, "spring", ["anna@example.org"], sender="Ann <news@mail.example.com>")
    with receiver() as hook:
        endpoint(world, hook.url + "?token=hidden", made_as=decisions.CallbackFormat.TENCENT)
        mailing.record(
            mailing.event(1, EventKind.BOUNCED, hard=True, diagnostic="551 5.1.1 recipient is not exist"),
            mailing.event(1, EventKind.RESUBSCRIBED, after=1),
        )
        with deliverer(world.dsn):
            until(lambda: waiting(world) == 0)
        (post,) = hook.posts
    assert post.path == "/hook?token=hidden"
    assert "webhook-signature" not in post.headers
    kinds = {name: type(value) for name, value in post.json.items()}
    assert kinds == {
        **dict.fromkeys(("event", "email", "bulkId", "reason", "bounceType", "username", "from", "fromDomain"), str),
        **dict.fromkeys(("eventid", "timestamp", "sentTimestamp", "templateId", "taskId"), int),
        **dict.fromkeys(("subject", "messageId"), str),
    }
    said = {name: post.json[name] for name in ("event", "eventid", "bounceType", "reason", "from", "fromDomain")}
    assert said == {
        "event": "bounce",
        "eventid": 3,
        "bounceType": "hard_bounce",
        "reason": "551 5.1.1 recipient is not exist",
        "from": "news@mail.example.com",
        "fromDomain": "mail.example.com",
    }
    assert world.rows("SELECT kind, outcome FROM callback_delivery ORDER BY 1") == [
        ("bounced", "delivered"),
        ("resubscribed", "gone"),
    ]


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({}, {"delivered", "complained"}),
        ({"kinds": ["complained"]}, {"complained"}),
        ({"sender_domain": "other.example"}, set()),
        ({"sender_domain": "mail.example.com"}, {"delivered", "complained"}),
    ],
)
def test_an_endpoint_gets_the_kinds_and_the_domain_that_it_wants(world, more, wanted):
    mailing = sent(world, "spring", ["anna@example.org"], sender="news@mail.example.com")
    endpoint(world, "http://127.0.0.1:9/hook", **more)
    mailing.record(mailing.event(1, EventKind.DELIVERED), mailing.event(1, EventKind.COMPLAINED))
    mailing.record(mailing.event(1, EventKind.DELIVERED))
    assert {row[0] for row in world.rows("SELECT kind FROM callback_waiting")} == wanted


def test_events_of_one_message_are_posted_in_their_order_although_the_first_has_to_be_tried_again(world):
    mailing = sent(world, "spring", [f"u{n}@example.org" for n in range(1, 6)])
    refused = set()

    def first_time_only(post):
        key = (post.json["data"]["recipient"], post.json["type"])
        if post.json["type"] == "message.deferred" and key not in refused:
            refused.add(key)
            return 500
        return 200

    with receiver(first_time_only) as hook:
        endpoint(world, hook.url)
        for seq in range(1, 6):
            kinds = (EventKind.DEFERRED, EventKind.DELIVERED, EventKind.COMPLAINED)
            mailing.record(*(mailing.event(seq, kind, after=after) for after, kind in enumerate(kinds)))
        with deliverer(world.dsn):
            until(lambda: waiting(world) == 0, 60)
        for seq in range(1, 6):
            mine = [p.json["type"] for p in hook.posts if p.json["data"]["recipient"] == f"u{seq}@example.org"]
            assert mine == ["message.deferred", *(f"message.{k}" for k in ("deferred", "delivered", "complained"))]
        ids = [p.headers["webhook-id"] for p in hook.posts if p.json["type"] == "message.deferred"]
        assert (len(ids), len(set(ids))) == (10, 5), "a try again has the same id"


def test_both_secrets_sign_for_a_day_after_a_rotation_and_events_that_wait_verify_too(world):
    mailing = sent(world, "spring", ["anna@example.org"] * 3)
    with receiver() as hook:
        first = endpoint(world, hook.url).secret
        mailing.record(mailing.event(1, EventKind.DELIVERED))
        second = decisions.rotate(world.conn, SOMEBODY, "hook").secret
        assert first != second
        with deliverer(world.dsn):
            until(lambda: waiting(world) == 0)
            assert verified_by(hook.posts[0], first)
            assert verified_by(hook.posts[0], second)
            with world.conn, world.conn.cursor() as cursor:
                cursor.execute("UPDATE callback_endpoint SET former_until = now() - interval '1 second'")
        mailing.record(mailing.event(2, EventKind.DELIVERED))
        with deliverer(world.dsn):
            until(lambda: waiting(world) == 0)
        assert not verified_by(hook.posts[1], first)
        assert verified_by(hook.posts[1], second)


def test_an_event_of_a_single_message_names_it_as_the_program_knows_it(world):
    """Two messages of one occurrence: each event names its own, the reference's form as SendEmail answered."""
    mail = SingleMail(world.conn)
    native = mail.message(("anna@example.org", SENT), ("bob@example.org", SENT), reference="order-7", tags=["bill"])
    theirs = mail.message(("cat@example.org", SENT), reference_id="qcloudses-1-abc", template="welcome")
    occurrence = mail.occurrence("mail.example.com")
    mailing = Mailing(
        world=world, occurrence_id=occurrence, addresses=[f"{one}@example.org" for one in ("anna", "bob", "cat")]
    )
    with receiver() as hook, receiver() as old:
        endpoint(world, hook.url)
        endpoint(world, old.url, name="old", made_as=decisions.CallbackFormat.TENCENT)
        mailing.record(mailing.event(2, EventKind.DELIVERED), mailing.event(3, EventKind.DELIVERED))
        with deliverer(world.dsn):
            until(lambda: waiting(world) == 0)
        posts = {post.json["data"]["recipient"]: post.json["data"] for post in hook.posts}
        bulk_ids = {post.json["email"]: post.json["bulkId"] for post in old.posts}
    assert posts["bob@example.org"]["single_message"] == {"id": str(native), "reference": "order-7", "tags": ["bill"]}
    assert posts["cat@example.org"]["single_message"] == {"id": str(theirs), "reference": None, "tags": []}
    assert posts["cat@example.org"]["task"]["template"] == "welcome"
    assert posts["bob@example.org"]["sender"] == "Shop <news@mail.example.com>"
    assert bulk_ids == {"bob@example.org": str(native), "cat@example.org": "qcloudses-1-abc"}
