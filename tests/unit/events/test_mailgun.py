"""Mailgun: JSON and the older form, signed by timestamp and token."""

from __future__ import annotations

import hmac
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from ses_ops.events.mailgun import Mailgun
from tests.unit.events.hook_world import NOW, TOKEN, heard, refusal, request, said

KEY = "key-0123456789"
HOOK = Mailgun.from_setting(f"{KEY} another")
FORM = "application/x-www-form-urlencoded"


def signature(*, key: str = KEY, age: timedelta = timedelta(0), token: str = "t" * 50) -> dict[str, str]:
    stamp = str(int((NOW - age).timestamp()))
    return {
        "timestamp": stamp,
        "token": token,
        "signature": hmac.new(key.encode(), f"{stamp}{token}".encode(), "sha256").hexdigest(),
    }


def content(told: str, **fields: object) -> dict[str, object]:
    event = {
        "event": told,
        "timestamp": 1_764_000_000.25,
        "id": "Ase7i2zsRYeDXztHGENqRA",
        "recipient": "ana@example.org",
        "message": {"headers": {"message-id": "inst.7.3@d.example"}},
        "user-variables": {"ses_ops": TOKEN},
        **fields,
    }
    return {"signature": signature(), "event-data": event}


def status(code: object, message: str) -> dict[str, object]:
    return {"delivery-status": {"code": code, "message": message, "description": "Not delivering to"}}


def told(*args: str, **fields: object):
    return said(heard(HOOK, request(content(*args, **fields))))


def test_the_signature_is_checked() -> None:
    assert refusal(HOOK, request({"signature": signature(), "event-data": {}})) == ""
    assert refusal(HOOK, request({"signature": signature(key="another")})) == ""
    assert refusal(HOOK, request({"signature": signature(key="foreign")})) == "hook_signature_wrong"
    assert refusal(HOOK, request({"signature": {**signature(), "token": "x"}})) == "hook_signature_wrong"
    assert refusal(HOOK, request({"signature": {**signature(), "timestamp": "1764"}})) == "hook_signature_wrong"
    assert refusal(HOOK, request({"signature": signature(age=timedelta(hours=25))})) == "hook_signature_too_old"
    assert refusal(HOOK, request({"signature": signature(token="")})) == "hook_signature_wrong"
    for wrong in ({}, {"signature": None}, {"signature": {"signature": "é\ud800"}}):
        assert refusal(HOOK, request(wrong)) == "hook_signature_wrong"


@pytest.mark.parametrize(
    ("args", "fields", "expected"),
    [
        (
            "failed",
            {"severity": "permanent", **status(550, "5.1.1 no such user")},
            ("bounced", True, "no-such-address"),
        ),
        (
            "failed",
            {"severity": "permanent", **status(550, "5.7.1 blocked by Spamhaus")},
            ("bounced", False, "blocked"),
        ),
        ("failed", {"severity": "permanent", **status(552, "5.2.2 mailbox full")}, ("bounced", False, "mailbox-full")),
        (
            "failed",
            {"severity": "temporary", **status(450, "4.2.1 busy: greylisted")},
            ("deferred", False, "greylisted"),
        ),
        ("failed", {"severity": "permanent", "reason": "suppress-bounce", **status(605, "")}, ("dropped", False, "")),
        ("rejected", {}, ("dropped", False, "")),
        ("delivered", {}, ("delivered", False, "")),
        ("complained", {}, ("complained", False, "")),
        ("unsubscribed", {}, ("unsubscribed", False, "")),
    ],
)
def test_each_kind_is_heard(args: str, fields: dict[str, object], expected: tuple) -> None:
    assert told(args, **fields) == [expected]


def test_a_message_that_was_tried_too_long_is_not_hard() -> None:
    ((kind, hard, _),) = told("failed", severity="permanent", reason="old", **status(550, "5.1.1 no such user"))
    assert (kind, hard) == ("bounced", False)


def test_opens_are_no_events_and_news_is_set_aside() -> None:
    for event in ("opened", "clicked", "accepted", "stored"):
        assert told(event) == []
    found = heard(HOOK, request(content("novelty")))
    assert [(one.why.code, one.source_id) for one in found.set_aside] == [("hook_kind_unknown", "t" * 50)]


def test_an_event_has_token_and_message_id_and_its_id_is_the_signed_token() -> None:
    (event,) = heard(HOOK, request(content("delivered"))).events
    assert event.message is not None
    assert (event.message.occurrence_id, event.message_id) == (7, "inst.7.3@d.example")
    assert event.source_id == "t" * 50


def older(told: str, **fields: str) -> dict[str, str]:
    given = {"event": told, "recipient": "ana@example.org", "Message-Id": "<inst.7.3@d.example>", "ses_ops": TOKEN}
    return {**given, **signature(), **fields}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (older("bounced", code="550", error="5.1.1 user unknown"), ("bounced", True, "no-such-address")),
        (older("dropped", reason="hardfail", code="550", description="5.7.1 Spamhaus"), ("bounced", False, "blocked")),
        (older("complained"), ("complained", False, "")),
        (older("delivered"), ("delivered", False, "")),
    ],
)
def test_the_older_form_is_heard_as_fields_and_as_multipart(fields: dict[str, str], expected: tuple) -> None:
    parts = "".join(f'--xx\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items())
    file = '--xx\r\nContent-Disposition: form-data; name="attachment-1"; filename="x"\r\n\r\nbinary\r\n--xx--\r\n'
    for kind, body in ((FORM, urlencode(fields)), ("multipart/form-data; boundary=xx", parts + file)):
        given = request(body.encode(), {"content-type": kind})
        assert refusal(HOOK, given) == ""
        found = heard(HOOK, given)
        assert said(found) == [expected]
        assert found.events[0].message is not None
        assert found.events[0].message_id == "inst.7.3@d.example"


def test_a_form_of_thousands_of_fields_is_refused() -> None:
    many = "&".join(f"a{n}=1" for n in range(2_000)).encode()
    assert refusal(HOOK, request(many, {"content-type": FORM})) == "hook_not_a_form"
    parts = b"--xx\r\n\r\n\r\n" * 2_000
    assert refusal(HOOK, request(parts, {"content-type": "multipart/form-data; boundary=xx"})) == "hook_not_a_form"
    assert refusal(HOOK, request(b"\xff", {"content-type": FORM})) == "hook_not_a_form"
