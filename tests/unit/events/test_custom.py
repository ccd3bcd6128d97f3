"""Our own format, with the headers of Standard Webhooks."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from ses_ops.errors import InvalidInput
from ses_ops.events.custom import Custom
from tests.unit.events.hook_world import NOW, TOKEN, heard, refusal, request, said

OCTETS = bytes(range(24))
SECRET = "whsec_" + base64.b64encode(OCTETS).decode()
HOOK = Custom.from_setting(SECRET)


def posted(
    content: object,
    *,
    now: float = NOW.timestamp(),
    age: timedelta = timedelta(0),
    number: str = "msg_1",
    secret: bytes = OCTETS,
    **headers: str,
):
    body = json.dumps(content).encode()
    stamp = str(int(now - age.total_seconds()))
    signed = f"{number}.{stamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()
    given = {"webhook-id": number, "webhook-timestamp": stamp, "webhook-signature": f"v1a,x v1,{signature}"}
    return request(body, {**given, **{f"webhook-{name}": value for name, value in headers.items()}})


def event(kind: str, **fields: object) -> dict[str, object]:
    return {"kind": kind, "time": "2026-11-29T11:59:00Z", "token": TOKEN, "address": "ana@example.org", **fields}


def test_the_signature_of_the_standards_own_example_is_right() -> None:
    # From the specification of Standard Webhooks.
    hook = Custom.from_setting("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    at = datetime.fromtimestamp(1614265335, UTC)
    assert refusal(hook, request(b'{"test": 2432232314}', headers, at=at)) == ""
    assert refusal(hook, request(b'{"test": 2432232315}', headers, at=at)) == "hook_signature_wrong"


def test_forged_altered_and_old_requests_are_refused() -> None:
    assert refusal(HOOK, posted({})) == ""
    assert refusal(HOOK, posted({}, secret=b"x" * 24)) == "hook_signature_wrong"
    assert refusal(HOOK, posted({}, age=timedelta(minutes=6))) == "hook_signature_too_old"
    assert refusal(HOOK, posted({}, age=-timedelta(minutes=16))) == "hook_signature_too_old"
    for headers in ({"id": "msg_2"}, {"id": ""}, {"timestamp": "x"}, {"signature": ""}, {"signature": "v1,é"}):
        assert refusal(HOOK, posted({}, **headers)) == "hook_signature_wrong"
    assert refusal(HOOK, request({})) == "hook_signature_wrong"


@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: [one], lambda one: {"events": [one]}])
def test_one_event_an_array_and_a_batch_are_heard(wrap) -> None:
    found = heard(HOOK, posted(wrap(event("bounced", reply="550 5.1.1 user unknown"))))
    assert said(found) == [("bounced", True, "no-such-address")]
    (one,) = found.events
    assert one.message is not None
    assert (one.source_id, one.provider_kind) == ("msg_1#0", "bounced")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"reply": "550 5.1.1 user unknown"}, ("bounced", True, "no-such-address")),
        ({"no_such_address": True}, ("bounced", True, "no-such-address")),
        ({"no_such_address": True, "reply": "550 refused"}, ("bounced", True, "no-such-address")),
        ({"no_such_address": True, "reply": "550 5.7.1 Spamhaus"}, ("bounced", False, "blocked")),
        ({"no_such_address": False, "reply": "550 5.1.1 user unknown"}, ("bounced", False, "recipient-refused")),
        ({"no_such_address": "yes"}, ("bounced", False, "")),
        ({"status": "4.2.2"}, ("bounced", False, "mailbox-full")),
        ({}, ("bounced", False, "")),
    ],
)
def test_a_bounce_is_hard_by_the_servers_words_or_by_the_word_of_the_sender(fields, expected) -> None:
    assert said(heard(HOOK, posted(event("bounced", **fields)))) == [expected]


def test_the_other_kinds_are_heard_and_an_undoing_is_not() -> None:
    kinds = ["delivered", "deferred", "dropped", "complained", "unsubscribed", "resubscribed", "viewed"]
    found = heard(HOOK, posted({"events": [event(kind) for kind in kinds]}))
    assert [one.kind.value for one in found.events] == kinds[:5]
    assert [one.source_id for one in found.set_aside] == ["msg_1#5", "msg_1#6"]


def test_an_event_without_a_time_is_set_aside() -> None:
    for time in (None, "", "soon", True, 1e300, -5, 10**20, {}):
        found = heard(HOOK, posted(event("delivered", time=time)))
        assert [one.why.code for one in found.set_aside] == ["hook_event_without_time"], time


def test_the_setting_is_a_secret_of_the_standard() -> None:
    for wrong in ("secret", "whsec_", "whsec_AAAA", "whsec_???", base64.b64encode(OCTETS).decode()):
        with pytest.raises(InvalidInput, match="whsec_") as refused:
            Custom.from_setting(wrong)
        assert len(wrong) < 8 or wrong not in str(refused.value)
