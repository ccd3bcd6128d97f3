"""Mails that came back are read: by examples in the shapes of real servers, and by mails that nobody should send."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.bounce_corpus import Score, judge
from ses_ops.domain.delivery_failure import Reason
from ses_ops.events.report_mail import read_for_each, read_report
from ses_ops.events.report_verdict import Action, ReportKind, TokenFound
from ses_ops.events.tokens import Purpose

#: Those that begin with `made_by_` are reports of the real servers in tests/integration/public/test_real_servers.py;
#: the others are in the shapes of servers and providers.
MAILS = Path(__file__).with_name("mails")
EXPECTED = json.loads((MAILS / "expected.json").read_text(encoding="utf-8"))
TOKEN = "0a1b2c3d" * 7


def mail(name: str) -> bytes:
    return (MAILS / f"{name}.eml").read_bytes()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_mail_is_judged_right(name: str) -> None:
    assert judge(name, (MAILS / name).read_bytes(), EXPECTED[name], Score()) == []


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("end", [b"\r\n", b"\r", b"\n"])
def test_the_ends_of_lines_do_not_matter(name: str, end: bytes) -> None:
    raw = (MAILS / name).read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert read_report(raw.replace(b"\n", end)) == read_report(raw)


def test_a_report_says_what_happened_to_each_recipient() -> None:
    verdict = read_report(mail("several_recipients"))
    assert [one.action for one in verdict.recipients] == [Action.FAILED, Action.FAILED, Action.DELIVERED]
    assert [one.failure and one.failure.reason for one in verdict.recipients] == [
        Reason.NO_SUCH_ADDRESS,
        Reason.MAILBOX_FULL,
        None,
    ]
    assert verdict.message_id == "20261128.1@shop.example"
    assert verdict.occurred_at == datetime(2026, 11, 28, 10, 11, 12, tzinfo=UTC)


def test_a_delay_is_no_bounce() -> None:
    (recipient,) = read_report(mail("delayed")).recipients
    assert recipient.action is Action.DELAYED
    assert not recipient.hard


def test_an_address_that_mail_is_forwarded_to_is_told_apart() -> None:
    (recipient,) = read_report(mail("forwarded")).recipients
    assert (recipient.address, recipient.final) == ("ann@example.org", "ann.b@elsewhere.example")


def test_the_envelope_is_trusted_before_the_headers_and_the_returned_message() -> None:
    other = TOKEN[::-1]
    verdict = read_report(mail("complaint"), came_to=[f"b-{other}@bounces.shop.example"])
    assert verdict.tokens[0] == TokenFound(Purpose.BOUNCE, other)
    assert TokenFound(Purpose.BOUNCE, TOKEN) in verdict.tokens
    assert TokenFound(Purpose.UNSUBSCRIBE, TOKEN) in verdict.tokens


def test_a_mail_to_the_unsubscribe_address_unsubscribes() -> None:
    verdict = read_report(mail("mail_to_the_unsubscribe_address"))
    assert verdict.kind is ReportKind.UNSUBSCRIBE
    assert verdict.tokens == (TokenFound(Purpose.UNSUBSCRIBE, TOKEN),)


def test_a_bounce_of_a_mail_to_the_unsubscribe_address_unsubscribes_nobody() -> None:
    raw = mail("postfix_unknown").replace(b"To: b-", b"To: u-", 1)
    assert read_report(raw).kind is ReportKind.BOUNCE


@pytest.mark.parametrize("header", ["Auto-Submitted: auto-replied\n", "Auto-Submitted: no\n", "", "Precedence: bulk\n"])
def test_what_a_mail_says_of_its_own_sending_decides_nothing(header: str) -> None:
    for name, kind in (("exim_text", ReportKind.BOUNCE), ("out_of_office", ReportKind.AUTO_REPLY)):
        raw = mail(name).replace(b"Auto-Submitted: auto-replied\n", b"")
        assert read_report(header.encode() + raw).kind is kind


def test_words_of_acceptance_are_no_bounce() -> None:
    raw = mail("postfix_unknown").replace(b"550 5.1.1", b"250 2.0.0").replace(b"Action: failed", b"Action: relayed")
    (recipient,) = read_report(raw).recipients
    assert recipient.action is Action.RELAYED
    assert recipient.failure is None


def test_a_wrapped_report_of_another_server_is_read() -> None:
    raw = b"From: postmaster@gw.example\nSubject: Returned mail\nContent-Type: multipart/mixed; boundary=w\n\n--w\n\n"
    raw += b"The following addresses had permanent delivery errors\n--w\nContent-Type: message/rfc822\n\n"
    (recipient,) = read_report(raw + mail("postfix_unknown") + b"\n--w--\n").recipients
    assert recipient.address == "ann@example.org"
    assert recipient.hard


HOSTILE = {
    "nested parts": b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (i, i) for i in range(9_000)
    ),
    "nested messages": b"Content-Type: message/rfc822\n\n" * 9_000,
    "many parts": b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\nA: b\n\nc\n" * 40_000,
    "many headers": b"A: b\n" * 200_000,
    "a long header": b"Subject: " + b"a" * 5_000_000 + b"\n\nx",
    "a folded header": b"Subject: a\n" + b" b\n" * 200_000,
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 200_000 + b"\n\n",
    "parameters": b"Content-Type: text/plain" + b"; a=b" * 100_000 + b"\n\n",
    "a large text": b"From: mailer-daemon@x\nSubject: undeliverable\n\n" + b"user unknown a@b.example " * 400_000,
    "one long line": b"From: mailer-daemon@x\nSubject: undeliverable\n\n" + b"a@" * 300_000,
    "empty lines": b"From: mailer-daemon@x\nSubject: undeliverable\n\n" + b"\n" * 300_000 + b"x",
    "spaces": b"From: mailer-daemon@x\nSubject: undeliverable\n\n" + b" " * 300_000 + b"x",
    "open tags": b"Content-Type: text/html\n\n" + b"<script" * 60_000,
    "one domain": b"From: mailer-daemon@x\nSubject: undeliverable\n\na@b" + b".c" * 200_000,
    "words": b"From: postmaster@x\nSubject: failed\n\n" + b"delivery domain user host mailbox " * 9_000,
    "many recipients": b"Content-Type: multipart/report; boundary=x\n\n--x\n"
    b"Content-Type: message/delivery-status\n\nA: b\n\n"
    + b"".join(b"Final-Recipient: rfc822;a%d@b.example\nAction: failed\n\n" % i for i in range(9_000)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_takes_no_time(name: str) -> None:
    begun = process_time()
    read_report(HOSTILE[name])
    assert process_time() - begun < 4, "seconds of CPU; about 0.1, beside others 1"


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(EXPECTED)),
    st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=40), st.integers(0, 200)), max_size=12),
)
def test_no_damage_raises(name: str, damage: list[tuple[float, bytes, int]]) -> None:
    raw = bytearray((MAILS / name).read_bytes())
    for place, octets, gone in damage:
        at = int(place * len(raw))
        raw[at : at + gone] = octets
    read_report(bytes(raw))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_no_octets_raise(raw: bytes) -> None:
    assert not any(one.hard for one in read_report(raw).recipients)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_mail_that_came_to_several_is_judged_for_each_as_if_it_had_come_alone(name: str) -> None:
    raw = (MAILS / name).read_bytes()
    envelopes = [[f"b-{TOKEN}@x.example"], [f"u-{TOKEN}@x.example"], ["somebody@x.example"], []]
    assert read_for_each(raw, envelopes) == [read_report(raw, came_to=one) for one in envelopes]
