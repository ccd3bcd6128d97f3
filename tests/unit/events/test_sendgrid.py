"""SendGrid: signed arrays of events."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ses_ops.errors import InvalidInput
from ses_ops.events.sendgrid import SendGrid
from tests.unit.events.hook_world import NOW, TOKEN, heard, refusal, request, said

KEY = ec.generate_private_key(ec.SECP256R1())


def shown(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    """A key as SendGrid shows it."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


HOOK = SendGrid.from_setting(shown(KEY))


def event(**fields: object) -> dict[str, object]:
    return {
        "email": "ana@example.org",
        "timestamp": 1_764_000_000,
        "smtp-id": "<inst.7.3@d.example>",
        "sg_event_id": "ZGVsaXZlcmVkLTA",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001",
        "ses_ops": TOKEN,
        **fields,
    }


def posted(content: object, *, age: timedelta = timedelta(0), key: ec.EllipticCurvePrivateKey = KEY):
    body = json.dumps(content, indent=1).encode() + b"\r\n"
    stamp = str(int((NOW - age).timestamp()))
    signature = base64.b64encode(key.sign(stamp.encode() + body, ec.ECDSA(SHA256()))).decode()
    headers = {
        "x-twilio-email-event-webhook-signature": signature,
        "x-twilio-email-event-webhook-timestamp": stamp,
    }
    return request(body, headers)


def told(*events: dict[str, object]):
    return heard(HOOK, request(list(events)))


def test_the_signature_is_over_the_timestamp_and_the_body_as_it_came() -> None:
    given = posted([event()])
    assert refusal(HOOK, given) == ""
    assert refusal(HOOK, request(given.body.rstrip(), dict(given.headers))) == "hook_signature_wrong"


def test_forged_and_old_requests_are_refused() -> None:
    assert refusal(HOOK, posted([], key=ec.generate_private_key(ec.SECP256R1()))) == "hook_signature_wrong"
    assert refusal(HOOK, posted([], age=timedelta(hours=25))) == "hook_signature_too_old"
    assert refusal(HOOK, posted([], age=-timedelta(hours=1))) == "hook_signature_too_old"
    given = posted([])
    for name, value in (
        ("signature", "AAAA"),
        ("signature", "?"),
        ("signature", ""),
        ("timestamp", "1"),
        ("timestamp", "é"),
    ):
        headers = {**given.headers, f"x-twilio-email-event-webhook-{name}": value}
        assert refusal(HOOK, request(given.body, headers)) == "hook_signature_wrong"
    assert refusal(HOOK, request([])) == "hook_signature_wrong"


def test_the_events_of_an_array_are_heard() -> None:
    found = told(
        event(event="processed"),
        event(event="delivered", response="250 OK"),
        event(event="open"),
        event(event="deferred", response="451 4.7.1 Greylisted, try again"),
        event(event="bounce", type="bounce", status="5.1.1", reason="550 5.1.1 The email account does not exist"),
        event(event="bounce", type="bounce", status="5.7.1", reason="550 5.7.1 blocked using Spamhaus"),
        event(event="bounce", type="blocked", status="5.1.1", reason="550 5.1.1 user unknown"),
        event(event="dropped", reason="Bounced Address"),
        event(event="spamreport"),
        event(event="unsubscribe"),
        event(event="group_unsubscribe"),
    )
    assert said(found) == [
        ("delivered", False, ""),
        ("deferred", False, "greylisted"),
        ("bounced", True, "no-such-address"),
        ("bounced", False, "blocked"),
        ("bounced", False, "recipient-refused"),
        ("dropped", False, ""),
        ("complained", False, ""),
        ("unsubscribed", False, ""),
        ("unsubscribed", False, ""),
    ]
    assert not found.set_aside


def test_an_event_has_token_message_id_and_sendgrids_id() -> None:
    (one,) = told(event(event="delivered")).events
    assert one.message is not None
    assert (one.message.occurrence_id, one.message.seq) == (7, 3)
    assert (one.message_id, one.source_id) == ("inst.7.3@d.example", "ZGVsaXZlcmVkLTA")


def test_what_is_not_known_is_set_aside_and_does_not_stand_in_the_way() -> None:
    found = told(event(event="novelty"), 5, event(event="group_resubscribe", sg_event_id="b"), event(event="delivered"))
    assert [one.why.code for one in found.set_aside] == [
        "hook_kind_unknown",
        "hook_event_not_understood",
        "hook_kind_unknown",
    ]
    assert len(found.events) == 1


def test_the_setting_is_a_key_of_this_curve() -> None:
    for wrong in (
        "AAAA",
        "?",
        shown(ec.generate_private_key(ec.SECP384R1())),
        shown(rsa.generate_private_key(65537, 2048)),
    ):
        with pytest.raises(InvalidInput, match="not a verification key"):
            SendGrid.from_setting(wrong)
