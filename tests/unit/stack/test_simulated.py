"""The simulator's addresses, and the reports that they send."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes

import pytest

from ses_ops.events.tokens import Purpose, TokenMaker
from ses_ops.stack.mailbox.simulated import MEANINGS, Simulated, report, simulated, takes_reports, unsubscribe_link

TOKEN = TokenMaker(bytes(32), Purpose.BOUNCE).make(1, 2, 3)
SENDER = f"b-{TOKEN}@bounces.example"
AT = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
RAW = (
    b"From: Shop <news@mail.example.com>\r\nTo: bounce@shoppers.example\r\nSubject: Hello\r\n"
    b"Message-ID: <inst.1.2@mail.example.com>\r\n"
    b"List-Unsubscribe: <https://public.example/u/00ff>,\r\n <mailto:u-00ff@bounces.example>\r\n"
    b"\r\nThe body\r\n"
)


def made(what: Simulated, mail_from: str = SENDER, raw: bytes = RAW):
    content = report(what, mail_from=mail_from, recipient=f"{what}@shoppers.example", raw=raw, at=AT)
    assert content is not None
    assert content.count(b"\n") == content.count(b"\r\n")
    return message_from_bytes(content)


@pytest.mark.parametrize("what", list(Simulated))
def test_an_address_is_recognised_by_its_local_part_on_any_domain(what: Simulated) -> None:
    for address in (
        f"{what}@a.example",
        f"{what}+any-thing@b.example",
        f"{what}-12@c.example",
        f"{what.upper()}@d.example",
    ):
        assert simulated(address) is what


@pytest.mark.parametrize(
    "address", ["bouncer@a.example", "bounce-x@a.example", "a-bounce@a.example", "bounce", "", "@a"]
)
def test_other_addresses_are_none(address: str) -> None:
    assert simulated(address) is None


def test_each_address_is_explained() -> None:
    assert set(MEANINGS) == set(Simulated)


@pytest.mark.parametrize(("what", "status"), [(Simulated.BOUNCE, "5.1.1"), (Simulated.SOFT_BOUNCE, "5.2.2")])
def test_a_bounce_is_a_delivery_status_notification(what: Simulated, status: str) -> None:
    mail = made(what)
    assert (mail.get_content_type(), mail.get_param("report-type")) == ("multipart/report", "delivery-status")
    _text, fields, headers = mail.get_payload()
    assert fields.get_content_type() == "message/delivery-status"
    of_message, of_recipient = fields.get_payload()
    assert of_message["Reporting-MTA"] == "dns; mailbox.localhost"
    assert of_recipient["Final-Recipient"] == f"rfc822; {what}@shoppers.example"
    assert (of_recipient["Action"], of_recipient["Status"]) == ("failed", status)
    assert status in of_recipient["Diagnostic-Code"]
    assert headers.get_content_type() == "text/rfc822-headers"
    assert "Message-ID: <inst.1.2@mail.example.com>" in headers.get_payload()
    assert "The body" not in mail.as_string()


def test_a_complaint_is_a_feedback_report() -> None:
    mail = made(Simulated.COMPLAINT)
    assert (mail.get_content_type(), mail.get_param("report-type")) == ("multipart/report", "feedback-report")
    _text, fields, original = mail.get_payload()
    (block,) = fields.get_payload()
    assert (block["Feedback-Type"], block["Version"]) == ("abuse", "1")
    assert block["Original-Mail-From"] == f"<{SENDER}>"
    (inner,) = original.get_payload()
    assert inner["Message-ID"] == "<inst.1.2@mail.example.com>"
    assert "The body" in inner.get_payload()


def test_mail_in_utf_8_comes_back_as_8_bit() -> None:
    raw = "To: bounce@müller.example\r\n\r\nGrüße\r\n".encode()
    assert "müller".encode() in made(Simulated.BOUNCE, raw=raw).as_bytes()
    made(Simulated.COMPLAINT, raw=b"Subject: \xff\r\n\r\n\xfe")


def test_other_senders_and_other_addresses_get_no_report() -> None:
    for sender in ("news@mail.example.com", "", "b-123@bounces.example", f"x{SENDER}", f"u-{TOKEN}@bounces.example"):
        assert not takes_reports(sender)
        assert report(Simulated.BOUNCE, mail_from=sender, recipient="bounce@a.example", raw=RAW, at=AT) is None
    assert takes_reports(SENDER.upper())
    for what in (Simulated.OK, Simulated.SLOW, Simulated.UNSUBSCRIBE):
        assert report(what, mail_from=SENDER, recipient=f"{what}@a.example", raw=RAW, at=AT) is None


def test_the_link_is_that_of_the_header_also_folded() -> None:
    assert unsubscribe_link(RAW) == "https://public.example/u/00ff"
    folded = b"List-Unsubscribe: <mailto:a@b.example>,\r\n <http://127.0.0.1:8070/u/\r\n 00ff>\r\n\r\n<https://body>"
    assert unsubscribe_link(folded) == "http://127.0.0.1:8070/u/00ff"
    for raw in (
        b"",
        b"\r\n\r\nList-Unsubscribe: <https://body>",
        b"List-Unsubscribe: <ftp://a>\r\n\r\n",
        b"List-Unsubscribe: https://a",
    ):
        assert unsubscribe_link(raw) is None
