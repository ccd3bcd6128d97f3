"""Callbacks: when tries come, which addresses are refused, how fast an endpoint is posted to, what is posted."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.callback import (
    RETRY_AFTER,
    TEST,
    CallbackFormat,
    CallbackKind,
    parse_kinds,
    parse_url,
    retry_after,
    shown_url,
)
from ses_ops.domain.callback_body import NOT_IN_TENCENT, CallbackFacts, callback_body, tencent_object
from ses_ops.domain.callback_pace import FAILING_AFTER, FIRST_PAUSE, FIRST_RATE, LAST_PAUSE, EndpointPace
from ses_ops.domain.callback_signature import secret_text, signed_headers
from ses_ops.domain.callback_target import is_allowed, parse_networks
from ses_ops.errors import InvalidInput

AT = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)
FACTS = CallbackFacts(
    kind="delivered",
    occurred_at=AT,
    occurrence_id=7,
    seq=3,
    address="u@x.example",
    sent_at=AT,
    task_id=5,
    task="spring",
    task_type="immediate",
    start=1,
    template="hello",
    sender="Ann <a@d.example>",
    sender_domain="d.example",
    subject="s",
    installation="abc",
)


def test_tries_go_on_for_more_than_a_day_and_never_come_early():
    assert RETRY_AFTER == (5, 300, 1800, 7200, 18000, 36000, 36000)
    assert sum(retry_after(n, 0.0) for n in range(1, 8)) >= 24 * 3600
    assert retry_after(8, 0.5) is None
    assert {retry_after(2, chance) for chance in (0.0, 0.5)} == {300, 330}


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "0.0.0.0", "255.255.255.255"),
        *("100.100.100.200", "168.63.129.16", "192.0.0.192", "224.0.0.1", "240.0.0.1", "198.18.0.1", "192.0.2.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "ff02::1", "2001:db8::1", "fec0::1"),
        *(
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "::127.0.0.1",
            "::ffff:0:0",
        ),
        *("64:ff9b:1::a00:1", "2001:0:7f00:1::", "nonsense", ""),
    ],
)
def test_an_address_that_only_our_network_reaches_is_refused(address):
    assert not is_allowed(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_a_public_address_is_allowed(address):
    assert is_allowed(address)


def test_a_network_of_the_setting_is_allowed_and_no_other():
    allowed = parse_networks("10.1.0.0/16, fd00:1::/32 127.0.0.1", where="x")
    assert [is_allowed(one, allowed) for one in ("10.1.2.3", "10.2.0.1", "fd00:1::5", "127.0.0.1", "127.0.0.2")] == [
        *(True, False, True, True, False)
    ]
    assert is_allowed("::ffff:10.1.2.3", allowed)
    with pytest.raises(InvalidInput):
        parse_networks("10.1.0.1/16", where="x")


@given(st.integers(0, 2**32 - 1))
def test_an_ipv4_address_is_judged_the_same_inside_of_an_ipv6_address(number):
    plain = IPv4Address(number)
    mapped = IPv6Address((0xFFFF << 32) | number)
    assert is_allowed(str(mapped)) <= is_allowed(str(plain))
    if not is_allowed(str(plain)):
        assert not is_allowed(f"64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://x.example/",
        "https:///path",
        "https://u:p@x.example/",
        "https://x.example/#a",
        "http://x.example:99999/",
        "https://x.example/a b",
        "https://x.example/\r\nHost: y",
        "javascript:alert(1)",
        "https://é.example/",
        "x" * 3000,
    ],
)
def test_an_address_that_cannot_be_posted_to_is_refused_without_being_repeated(url):
    with pytest.raises(InvalidInput) as refused:
        parse_url(url)
    assert not url.strip() or url.strip()[:20] not in str(refused.value)


def test_the_rest_of_an_address_is_not_shown():
    assert shown_url("https://x.example:8081/cb/secret?token=secret") == "https://x.example:8081/…"
    assert shown_url("https://x.example") == "https://x.example/"


def test_kinds_are_chosen_by_name():
    assert parse_kinds(["clicked", "bounced", "bounced", " "]) == ["bounced", "clicked"]
    with pytest.raises(InvalidInput):
        parse_kinds([TEST])


def test_the_signature_is_that_of_the_specification():
    """The example of the specification of Standard Webhooks."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, [secret, b"x" * 32])
    first, second = headers["webhook-signature"].split(" ")
    assert first == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert second.startswith("v1,")
    assert second != first
    assert secret_text(secret) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize(
    ("kind", "event", "number"),
    [
        *(("delivered", "delivered", 1), ("dropped", "dropped", 2), ("bounced", "bounce", 3), ("refused", "bounce", 3)),
        *(("opened", "open", 4), ("clicked", "click", 5), ("complained", "spamreport", 6)),
        *(("unsubscribed", "unsubscribe", 7), ("deferred", "deferred", 8), (TEST, "delivered", 1)),
    ],
)
def test_the_form_of_the_reference_has_its_events_numbers_and_fields(kind, event, number):
    made = tencent_object(replace(FACTS, kind=kind, words="550 5.1.1 gone", link="https://x/", user_agent="M"))
    assert (made["event"], made["eventid"]) == (event, number)
    assert ("reason" in made) == (event in ("bounce", "dropped", "deferred"))
    assert ("bounceType" in made) == (event == "bounce")
    assert ("link" in made) == (event == "click")
    assert ("useragent" in made) == (event in ("open", "click"))
    assert made["messageId"] == "abc.7.3@d.example"
    assert (made["from"], made["fromDomain"], made["taskId"]) == ("a@d.example", "d.example", 5)
    assert made["timestamp"] == made["sentTimestamp"] == int(AT.timestamp())


@pytest.mark.parametrize(
    ("code", "words", "reason"), [(550, "5.1.1 gone", "550 5.1.1 gone"), (550, "550 no", "550 no")]
)
def test_a_reason_has_the_code_once(code, words, reason):
    assert tencent_object(replace(FACTS, kind="refused", code=code, words=words))["reason"] == reason


def test_a_subject_that_is_not_ascii_is_encoded_words_in_one_line():
    subject = "春の" * 100 + "\r\nBcc: x"
    made = tencent_object(replace(FACTS, subject=subject))["subject"]
    assert made.isascii()
    assert "\n" not in made
    assert str(make_header(decode_header(made))) == " ".join(subject.split())


@given(st.sampled_from(list(CallbackKind)), st.text(), st.text(), st.booleans(), st.sampled_from(list(CallbackFormat)))
def test_any_words_make_one_object_of_json(kind, words, text, hard, made_as):
    facts = replace(
        FACTS, kind=kind.value, words=words, subject=text, sender=text, user_agent=text, link=text, hard=hard
    )
    if made_as is CallbackFormat.TENCENT and kind.value in NOT_IN_TENCENT:
        return
    assert isinstance(json.loads(callback_body(facts, made_as, event_key="k")), dict)


def test_an_endpoint_begins_slowly_gets_fast_and_is_left_alone_while_it_fails():
    pace, now = EndpointPace(concurrency=16, per_second=500), 0.0
    begun = []
    while now < 8:
        count = 0
        for _ in range(pace.free(now)):
            pace.begin()
            pace.succeeded(now)
            count += 1
        begun.append((now, count))
        now += 0.01
    first, last = (sum(n for at, n in begun if begin <= at < begin + 1) for begin in (0, 7))
    assert first <= FIRST_RATE + 2
    assert 400 <= last <= 510
    for _ in range(FAILING_AFTER):
        pace.begin()
    failed = [pace.failed(now, asked_for=None, chance=0) for _ in range(FAILING_AFTER)]
    assert failed == [False] * (FAILING_AFTER - 1) + [True]
    assert (pace.free(now), pace.free(now + FIRST_PAUSE - 0.1), pace.free(now + FIRST_PAUSE)) == (0, 0, 1)
    pauses = []
    for _ in range(10):
        now += pace.wait(now)
        assert pace.free(now) == 1
        pace.begin()
        assert pace.free(now) == 0, "one at a time"
        pace.failed(now, asked_for=None, chance=0)
        pauses.append(round(pace.wait(now)))
    assert pauses == [10, 20, 40, 80, 160] + [LAST_PAUSE] * 5
    now += LAST_PAUSE
    pace.begin()
    assert pace.succeeded(now)
    assert (
        sum(pace.free(now + step / 100) and not pace.begin() and not pace.succeeded(now) for step in range(100)) <= 25
    )


@given(st.lists(st.sampled_from(["begin", "succeeded", "failed"]), max_size=200), st.integers(1, 20))
def test_no_more_posts_than_the_concurrency_whatever_happens(acts, concurrency):
    pace, now = EndpointPace(concurrency=concurrency, per_second=1000), 0.0
    for act in acts:
        now += 0.7
        if act == "begin":
            for _ in range(pace.free(now)):
                pace.begin()
        elif pace.busy and act == "succeeded":
            pace.succeeded(now)
        elif pace.busy:
            pace.failed(now, asked_for=None, chance=0.5)
        assert 0 <= pace.busy <= concurrency
        assert pace.wait(now) > 0
