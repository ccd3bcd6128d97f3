"""Tencent Cloud SES: a secret in the address, and both spellings of its documents."""

from __future__ import annotations

import pytest

from ses_ops.errors import InvalidInput
from ses_ops.events.tencent_ses import TencentSes
from tests.unit.events.hook_world import TOKEN, heard, refusal, request, said

SECRET = "s" * 20 + "-A_1"
HOOK = TencentSes.from_setting(f"{SECRET} {'o' * 24}")
#: The sample of Tencent's page on event notification.
SAMPLE = {
    "event": "bounce",
    "email": "example@example.com",
    "bulkId": "qcloudses-30-251200670-date-20220601142439-8jolHvR2XcXC1",
    "timestamp": 1654064683,
    "reason": "551 5.1.1 recipient is not exist",
    "bounceType": "hard_bounce",
    "username": "251200670",
    "from": "test@fromexample.com",
    "fromDomain": "fromexample.com",
    "templateId": 123456,
    "subject": "example subject",
    "messageId": "ea2783c1-7704-48a8-af36-2b9e83e767ec@fromexample.com",
    "sentTimestamp": 1761555487,
    "X-Tencentcloudses-Cb-Custom": "ses callback",
}


def told(**changed: object):
    return heard(HOOK, request({**SAMPLE, "X-Tencentcloudses-Cb-Sesops": TOKEN, **changed}))


@pytest.mark.parametrize("rest", [SECRET, f"{SECRET}/", "o" * 24])
def test_the_secret_of_the_address_is_compared(rest: str) -> None:
    assert refusal(HOOK, request(SAMPLE, rest=rest)) == ""


@pytest.mark.parametrize("rest", ["", "/", SECRET[:-1], SECRET + "x", SECRET.upper(), f"{SECRET}/x", "é\udcff", "\x00"])
def test_another_secret_is_refused(rest: str) -> None:
    assert refusal(HOOK, request(SAMPLE, rest=rest)) == "hook_secret_wrong"


def test_tencents_own_sample_is_read() -> None:
    found = told()
    (event,) = found.events
    assert said(found) == [("bounced", True, "no-such-address")]
    assert event.message is not None
    assert (event.message.occurrence_id, event.address) == (7, "example@example.com")
    assert event.message_id == "ea2783c1-7704-48a8-af36-2b9e83e767ec@fromexample.com"
    assert event.occurred_at.timestamp() == 1654064683


@pytest.mark.parametrize(
    ("bounce", "reason", "expected"),
    [
        ("hard_bounce", "550 5.1.1 user unknown", ("bounced", True, "no-such-address")),
        ("hard", "550 5.1.1 user unknown", ("bounced", True, "no-such-address")),
        ("hard_bounce", "550 5.7.1 message rejected: spam", ("bounced", False, "policy")),
        ("hard_bounce", "", ("bounced", False, "")),
        ("soft_bounce", "452 4.2.2 mailbox full", ("bounced", False, "mailbox-full")),
        ("soft", "550 5.1.1 user unknown", ("bounced", False, "recipient-refused")),
        ("", "550 5.1.1 user unknown", ("bounced", False, "recipient-refused")),
    ],
)
def test_hard_is_only_what_both_tencent_and_the_server_say(bounce: str, reason: str, expected: tuple) -> None:
    found = told(bounceType=bounce, reason=reason)
    assert [one[:2] for one in said(found)] == [expected[:2]]
    if expected[2] != "policy":
        assert said(found) == [expected]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("delivered", "delivered"),
        ("deferred", "deferred"),
        ("dropped", "dropped"),
        ("spamreport", "complained"),
        ("unsubscribe", "unsubscribed"),
    ],
)
def test_each_kind_is_heard_also_with_empty_fields(event: str, kind: str) -> None:
    found = told(event=event, bounceType="", reason="")
    assert [(one.kind.value, one.hard) for one in found.events] == [(kind, False)]


def test_opens_clicks_and_steps_between_are_no_events_and_news_is_set_aside() -> None:
    for event in ("open", "click", "processed"):
        found = told(event=event)
        assert (found.events, found.set_aside) == ([], [])
    assert [one.why.code for one in told(event="novelty").set_aside] == ["hook_kind_unknown"]


def test_both_spellings_of_the_bulk_id_make_the_same_event() -> None:
    other = {name: value for name, value in SAMPLE.items() if name != "bulkId"} | {"bulkid": SAMPLE["bulkId"]}
    assert heard(HOOK, request(SAMPLE)).events[0].source_id == heard(HOOK, request(other)).events[0].source_id


def test_two_events_of_a_message_have_two_ids_and_a_repetition_has_the_same() -> None:
    ids = [told(**changed).events[0].source_id for changed in ({}, {}, {"timestamp": 1654064684}, {"email": "a@b"})]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_a_short_secret_is_not_taken() -> None:
    for wrong in ("short", "with/slash" * 3, "ü" * 30):
        with pytest.raises(InvalidInput) as refused:
            TencentSes.from_setting(wrong)
        assert wrong not in str(refused.value)
