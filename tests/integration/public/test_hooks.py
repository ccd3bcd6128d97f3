"""Providers post events to the listener: over real HTTP, into a real PostgreSQL."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ses_ops.application.token_rotation import rotate_token_secret
from ses_ops.events.tokens import Purpose
from tests.actors import ANYBODY
from tests.integration.public.conftest import Recipients
from tests.integration.public.listener_process import ListenerProcess
from tests.integration.sending_world import World
from tests.unit.events import test_custom
from tests.unit.events.hook_world import UNKNOWN_USER

SECRET = "tencent-" + "s" * 20
LOGIN = ("ses", "p" * 24)


@pytest.fixture(scope="module")
def listener(shared_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ListenerProcess]:
    listener = ListenerProcess(
        dsn=shared_world.dsn,
        spool=tmp_path_factory.mktemp("listener") / "spool",
        settings={
            "SES_HOOK_TENCENT_SES_SECRET": SECRET,
            "SES_HOOK_POSTMARK_LOGIN": ":".join(LOGIN),
            "SES_HOOK_AMAZON_SES_TOPICS": "arn:aws:sns:eu-west-1:123456789012:ses-events",
            "SES_HOOK_CUSTOM_SECRET": test_custom.SECRET,
        },
    )
    listener.start()
    yield listener
    listener.kill()


def posted(recipients: Recipients, path: str, content: Any, **more: Any) -> int:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return recipients.client.post(f"/hooks/{path}", content=body, **more).status_code


def tencent(recipients: Recipients, seq: int, event: str, **fields: Any) -> dict[str, Any]:
    token = recipients.token(seq, purpose=Purpose.EVENT)
    given = {"event": event, "email": "x@y.example", "timestamp": int(time.time()), "bulkId": f"qcloudses-{seq}"}
    return {**given, "X-Tencentcloudses-Cb-Sesops": token, **fields}


def unmatched(recipients: Recipients) -> list[tuple[str, str]]:
    recipients.wait()
    return recipients.mailing.world.rows("SELECT source, why FROM unmatched_event ORDER BY id")


def is_refused(recipients: Recipients, source: str, why: str) -> None:
    """The page of the feed says why at last; the listener notes it a moment later."""
    end = time.monotonic() + 60
    while True:
        found = recipients.mailing.world.rows("SELECT last_refusal FROM event_feed WHERE source = %s", source)
        if found and (found[0][0] or "").startswith(why):
            return
        assert time.monotonic() < end, found
        time.sleep(0.1)


def test_an_event_finds_its_message_and_a_repetition_changes_nothing(recipients: Recipients) -> None:
    bounce = tencent(recipients, 1, "bounce", bounceType="hard_bounce", reason="550 5.1.1 user unknown")
    for _ in range(3):
        assert posted(recipients, f"tencent_ses/{SECRET}", bounce) == 200
    assert posted(recipients, f"tencent_ses/{SECRET}", tencent(recipients, 2, "delivered")) == 200
    assert sorted(recipients.events()) == [(1, "bounced", "tencent_ses"), (2, "delivered", "tencent_ses")]
    assert recipients.suppressed() == [("Ann@example.org", "", "hard_bounce")]


def test_an_event_with_a_token_of_a_secret_that_was_just_made_finds_its_message(recipients: Recipients) -> None:
    for number in range(4):
        rotate_token_secret(recipients.mailing.world.conn, ANYBODY)
        event = tencent(recipients, 1, "delivered", bulkId=f"after rotation {number}")
        assert posted(recipients, f"tencent_ses/{SECRET}", event) == 200
    assert unmatched(recipients) == []
    assert recipients.events() == [(1, "delivered", "tencent_ses")] * 4


def test_each_provider_that_is_set_up_is_heard(recipients: Recipients) -> None:
    bounce = {
        "RecordType": "Bounce",
        "Type": "HardBounce",
        "ID": 5,
        "BouncedAt": "2026-11-05T16:33:54.9070259Z",
        "Details": UNKNOWN_USER,
        "Metadata": {"ses-ops": recipients.token(2, purpose=Purpose.EVENT)},
    }
    assert posted(recipients, "postmark", bounce, auth=LOGIN) == 200
    complaint = {"kind": "complained", "time": time.time(), "token": recipients.token(3, purpose=Purpose.EVENT)}
    signed = test_custom.posted({"events": [complaint]}, now=time.time())
    assert posted(recipients, "custom", signed.body, headers=dict(signed.headers)) == 200
    assert recipients.events() == [(2, "bounced", "postmark"), (3, "complained", "custom")]
    assert [(reason, scope) for _, scope, reason in recipients.suppressed()] == [("hard_bounce", ""), ("complaint", "")]


def test_a_provider_that_is_not_set_up_has_no_path(recipients: Recipients) -> None:
    assert posted(recipients, "mailgun", {}) == 404
    assert posted(recipients, "sendgrid", []) == 404
    assert posted(recipients, "nobody", {}) == 404
    assert recipients.client.get("/hooks/postmark").status_code == 405


def test_forged_requests_are_refused_and_on_show(recipients: Recipients) -> None:
    complaint = tencent(recipients, 1, "spamreport")
    assert posted(recipients, "tencent_ses/another-secret", complaint) == 403
    assert posted(recipients, "tencent_ses", complaint) == 403
    answer = recipients.client.post("/hooks/postmark", json=complaint)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="ses-ops"')
    assert posted(recipients, "amazon_ses", {"Type": "Notification", "TopicArn": "arn:x"}) == 403
    is_refused(recipients, "tencent_ses", "the secret in the address is wrong")
    is_refused(recipients, "postmark", "the login of the request is wrong")
    assert (recipients.events(), recipients.suppressed()) == ([], [])
    assert SECRET not in recipients.listener.log
    assert "another-secret" not in recipients.listener.log


def test_large_deep_and_broken_json_is_refused_with_a_reason_and_the_next_event_is_heard(
    recipients: Recipients,
) -> None:
    path = f"tencent_ses/{SECRET}"
    assert posted(recipients, path, b"[" * 1_000_000) == 400
    assert posted(recipients, path, b'{"event":') == 400
    assert posted(recipients, path, b"x" * (11 * 1024 * 1024)) == 413
    assert posted(recipients, "amazon_ses", b"[1]" * 1_000_000) == 413
    is_refused(recipients, "amazon_ses", "the request is larger than")
    assert posted(recipients, path, tencent(recipients, 1, "delivered")) == 200
    assert recipients.events() == [(1, "delivered", "tencent_ses")]


def test_what_is_not_understood_is_kept_and_answered_200(recipients: Recipients) -> None:
    path = f"tencent_ses/{SECRET}"
    foreign = recipients.token(1, purpose=Purpose.UNSUBSCRIBE)
    changed = tencent(recipients, 1, "spamreport", **{"X-Tencentcloudses-Cb-Sesops": foreign})
    for content in (tencent(recipients, 1, "novelty"), changed, ["text"]):
        for _ in range(2):
            assert posted(recipients, path, content) == 200
    assert [source for source, _ in unmatched(recipients)] == ["tencent_ses"] * 3
    assert (recipients.events(), recipients.suppressed()) == ([], [])


def test_a_batch_of_thousands_is_heard_in_one_request(recipients: Recipients) -> None:
    token = recipients.token(1, purpose=Purpose.EVENT)
    events = [
        {"kind": "deferred", "time": 1_764_000_000 + n, "token": token, "reply": "451 wait"} for n in range(3_000)
    ]
    signed = test_custom.posted(events, now=time.time())
    assert posted(recipients, "custom", signed.body, headers=dict(signed.headers)) == 200
    recipients.wait()
    assert recipients.mailing.world.rows("SELECT count(*)::int FROM message_event") == [(3_000,)]


def test_basic_authentication_may_stand_in_the_address(recipients: Recipients) -> None:
    # As Postmark is given it; its client makes a header of it.
    url = httpx.URL(recipients.listener.url).copy_with(username=LOGIN[0], password=LOGIN[1])
    with httpx.Client(trust_env=False, timeout=60) as client:
        answer = client.post(url.join("/hooks/postmark"), json={"RecordType": "Open"})
    assert answer.status_code == 200
    assert base64.b64encode(":".join(LOGIN).encode()).decode() not in recipients.listener.log
