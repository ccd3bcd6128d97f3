"""The fields of a request for a single message: what is taken, and which field a refusal names."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.domain.attachment_fields import MAX_OCTETS
from ses_ops.domain.mail_tracking import Tracking
from ses_ops.domain.message_fields import FIELDS, OF_REFERENCE, parse_single_message
from ses_ops.domain.single_message import RecipientKind, read_stored
from ses_ops.domain.unsubscribe_language import UnsubscribeLanguage
from ses_ops.errors import InvalidInput

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
PLAIN = {"from": "Shop <code@codes.example.com>", "to": "ann@example.com", "subject": "Your code", "text": "123456"}
FILE = {"name": "a.pdf", "content": b64encode(b"%PDF").decode()}


def parsed(as_reference: bool = False, **fields: Any):
    given = {("from" if name == "from_" else name): value for name, value in {**PLAIN, **fields}.items()}
    return parse_single_message(given, now=NOW, as_reference=as_reference)


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else "x"


#: Name in the test, fields, the field that is named, the code.
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"form": "x"}, "form", "unknown_key_meant"),
    ({"colour": "x"}, "colour", "unknown_key"),
    ({"message_id": "<a@b>"}, "message_id", "unknown_key"),
    ({"header_from": "a@b.example"}, "header_from", "unknown_key_meant"),
    ({"from_": None}, "from", "field_missing"),
    ({"from_": 5}, "from", "not_a_text"),
    ({"from_": "nobody"}, "from", "address_without_at_sign"),
    ({"from_": "A\r\nBcc: x@y.example <a@b.example>"}, "from", "sender_with_control_character"),
    ({"from_": "a@b.example, c@d.example"}, "from", "not_an_address"),
    ({"to": None}, "to", "no_recipient"),
    ({"to": []}, "to", "no_recipient"),
    ({"to": "a@b.example, c@d.example"}, "to", "not_an_address"),
    ({"to": ["ann@example.com", "bo@"]}, "to[1]", "not_an_address"),
    ({"to": ["ann@example.com", 3]}, "to[1]", "not_a_text"),
    ({"to": {"email": "a@b.example"}}, "to", "not_texts"),
    ({"to": ["Ann@example.com", "ann@EXAMPLE.com"]}, "to", "recipient_twice"),
    ({"bcc": "ANN@example.com"}, "bcc", "recipient_twice"),
    ({"to": [f"a{n}@example.com" for n in range(51)]}, "to", "too_many_addresses"),
    ({"cc": [f"a{n}@example.com" for n in range(21)]}, "cc", "too_many_addresses"),
    ({"to": "ann@example.com\r\nBcc: x@y.example"}, "to", "not_an_address"),
    ({"to": "Ann\x00 <ann@example.com>"}, "to", "sender_with_control_character"),
    ({"to": "a" * 65 + "@example.com"}, "to", "not_an_address"),
    ({"reply_to": "日本@example.com"}, "reply_to", "address_not_answerable"),
    ({"reply_to": ["a@b.example"]}, "reply_to", "not_a_text"),
    ({"subject": None}, "subject", "field_missing"),
    ({"subject": ""}, "subject", "not_a_text"),
    ({"subject": "a\r\nBcc: x@y.example"}, "subject", "control_character"),
    ({"subject": "a\x00"}, "subject", "control_character"),
    ({"subject": "a\u2028b"}, "subject", "control_character"),
    ({"subject": "a\ud800"}, "subject", "control_character"),
    ({"subject": "x" * 2001}, "subject", "text_too_long"),
    ({"text": None}, "text", "body_missing"),
    ({"text": "", "html": ""}, "text", "body_missing"),
    ({"text": 5}, "text", "not_a_text"),
    ({"text": "a\x00b"}, "text", "character_not_allowed"),
    ({"html": "a\udc80"}, "html", "character_not_allowed"),
    ({"html": "x" * (4 * 1024 * 1024 + 1)}, "html", "text_too_long"),
    ({"template": "welcome"}, "template", "template_or_body"),
    ({"template": "../x", "text": None}, "template", "not_a_template_name"),
    ({"template": "welcome", "text": None, "verbatim": True}, "verbatim", "template_is_not_verbatim"),
    ({"verbatim": "yes"}, "verbatim", "quota_switch_not_valid"),
    ({"values": []}, "values", "not_values"),
    ({"values": {"a": "x\x00"}}, "values.a", "character_not_allowed"),
    ({"values": {"a": [{"b": "x\x1b"}]}}, "values.a[0].b", "character_not_allowed"),
    ({"values": {"a": {"b\x00": "x"}}}, "values.a", "character_not_allowed"),
    ({"values": {"a": float("nan")}}, "values.a", "not_a_json_value"),
    ({"values": {"a": b"x"}}, "values.a", "not_a_json_value"),
    ({"values": {"a": {1: "x"}}}, "values.a", "not_values"),
    ({"values": {"a": 1 << 65}}, "values.a", "whole_number_too_large"),
    ({"values": {"a": nested(16)}}, "values.a" + "[0]" * 15, "values_too_deep"),
    ({"values": {"a": ["x"] * 10_001}}, "values", "too_many_values"),
    ({"values": {"a": "x" * 500_001}}, "values", "too_many_characters"),
    ({"values": {"ａ": "x", "a": "y"}}, "values", "values_are_one"),
    ({"values": {"unsubscribe_url": "x"}}, "values", "value_is_filled_in"),
    ({"headers": ["X-A"]}, "headers", "not_headers"),
    ({"headers": {"X-A": "a\r\nBcc: x@y.example"}}, "headers.X-A", "control_character"),
    ({"headers": {"X-A": "a\x00"}}, "headers.X-A", "control_character"),
    ({"headers": {"X-A": 5}}, "headers.X-A", "not_a_text"),
    ({"headers": {"X-A": "x" * 901}}, "headers.X-A", "text_too_long"),
    ({"headers": {"X-A": "a", "x-a": "b"}}, "headers.x-a", "header_twice"),
    ({"headers": {"X-A: b\r\nBcc": "a"}}, "headers", "not_a_header_name"),
    ({"headers": {"X-Ä": "a"}}, "headers", "not_a_header_name"),
    ({"headers": {f"X-{n}": "a" for n in range(21)}}, "headers", "too_many_names"),
    ({"headers": {"References": "not an id"}}, "headers.References", "not_a_message_id"),
    ({"attachments": FILE}, "attachments", "not_files"),
    ({"attachments": ["a.pdf"]}, "attachments[0]", "not_files"),
    ({"attachments": [FILE] * 11}, "attachments", "too_many_attachments"),
    ({"attachments": [{"content": ""}]}, "attachments[0].name", "field_missing"),
    ({"attachments": [{"name": "a.pdf"}]}, "attachments[0].content", "field_missing"),
    ({"attachments": [FILE, {**FILE, "name": "a\r\nb.pdf"}]}, "attachments[1].name", "character_not_allowed"),
    ({"attachments": [{**FILE, "name": "../../etc/passwd"}]}, "attachments[0].name", "character_not_allowed"),
    ({"attachments": [{**FILE, "name": "a\\b.pdf"}]}, "attachments[0].name", "character_not_allowed"),
    ({"attachments": [{**FILE, "name": "annexe\u202efdp.exe"}]}, "attachments[0].name", "character_not_allowed"),
    ({"attachments": [{**FILE, "name": ".."}]}, "attachments[0].name", "not_a_text"),
    ({"attachments": [{**FILE, "name": "x" * 256}]}, "attachments[0].name", "text_too_long"),
    ({"attachments": [{**FILE, "content": "a"}]}, "attachments[0].content", "not_base64"),
    ({"attachments": [{**FILE, "content": "YQ"}]}, "attachments[0].content", "not_base64"),
    ({"attachments": [{**FILE, "content": "YQ==YQ=="}]}, "attachments[0].content", "not_base64"),
    ({"attachments": [{**FILE, "content": "_-8="}]}, "attachments[0].content", "not_base64"),
    ({"attachments": [{**FILE, "content": "Y Q=="}]}, "attachments[0].content", "not_base64"),
    ({"attachments": [{**FILE, "content": "ＹＱ=="}]}, "attachments[0].content", "not_base64"),
    ({"attachments": [{**FILE, "type": "text/html; charset=x"}]}, "attachments[0].type", "not_a_media_type"),
    ({"attachments": [{**FILE, "type": "message/rfc822"}]}, "attachments[0].type", "not_a_media_type"),
    ({"attachments": [{**FILE, "content_id": "a>b"}]}, "attachments[0].content_id", "not_a_content_id"),
    ({"attachments": [{**FILE, "content_id": "a"}] * 2}, "attachments[1].content_id", "content_id_twice"),
    ({"attachments": [{**FILE, "path": "/etc/passwd"}]}, "attachments[0].path", "unknown_key"),
    ({"tags": "a"}, "tags", "not_texts"),
    ({"tags": ["a\nb"]}, "tags[0]", "control_character"),
    ({"tags": ["a", ""]}, "tags[1]", "not_a_text"),
    ({"tags": ["x" * 65]}, "tags[0]", "text_too_long"),
    ({"tags": [str(n) for n in range(11)]}, "tags", "too_many_names"),
    ({"reference": "a\r"}, "reference", "control_character"),
    ({"reference": "x" * 256}, "reference", "text_too_long"),
    ({"unsubscribe": "klingon"}, "unsubscribe", "choice_not_known"),
    ({"unsubscribe": True}, "unsubscribe", "choice_not_known"),
    ({"unsubscribe": ["en"]}, "unsubscribe", "choice_not_known"),
    ({"marketing": 1}, "marketing", "quota_switch_not_valid"),
    ({"track": True}, "track", "not_tracking"),
    ({"track": {"opens": "yes"}}, "track.opens", "quota_switch_not_valid"),
    ({"track": {"open": True}}, "track", "not_tracking"),
    ({"send_at": "tomorrow"}, "send_at", "not_a_moment"),
    ({"send_at": "2026-12-01T09:00:00"}, "send_at", "not_a_moment"),
    ({"send_at": 1796000000}, "send_at", "not_a_text"),
    ({"send_at": "2026-11-30T11:54:00Z"}, "send_at", "expiry_has_passed"),
    ({"send_at": "2026-12-07T12:00:01Z"}, "send_at", "moment_too_far_ahead"),
    ({"send_at": "9999-12-31T23:59:59-23:59"}, "send_at", "moment_too_far_ahead"),
]


@pytest.mark.parametrize(("fields", "field", "code"), REFUSED)
def test_what_is_wrong_is_refused_with_its_field(fields, field, code):
    with pytest.raises(InvalidInput) as refused:
        parsed(**fields)
    assert (refused.value.field, refused.value.code) == (field, code)
    assert len(str(refused.value)) < 1_000


@pytest.mark.parametrize(
    "name",
    [
        *("From", "to", "CC", "Bcc", "Subject", "Date", "Message-ID", "Sender", "Reply-To", "Return-Path", "Received"),
        *("DKIM-Signature", "ARC-Seal", "List-Unsubscribe", "List-Id", "Feedback-ID", "MIME-Version", "Precedence"),
        *("Content-Type", "Content-Transfer-Encoding", "Auto-Submitted", "Resent-To", "Errors-To", "Delivered-To"),
        *("X-SMTPAPI", "x-ses-configuration-set", "X-Mailgun-Variables", "X-MC-Tags", "X-PM-Tag", "X-MSYS-API", "X-"),
        *("Disposition-Notification-To", "Authentication-Results", "X-Auto-Response-Suppress", "Require-Recipient"),
    ],
)
def test_headers_that_are_ours_or_a_servers_cannot_be_set(name):
    with pytest.raises(InvalidInput) as refused:
        parsed(headers={name: "a"})
    assert (refused.value.field, refused.value.code) == (f"headers.{name}", "header_not_allowed")


def test_everything_that_may_be_said_is_kept():
    message = parsed(
        to=["Ann Lee <Ann@Example.com>", "bo@example.com"],
        cc="cy@example.com",
        bcc=["di@example.com"],
        reply_to="Help <help@example.com>",
        html="<p>{{ code }}</p>",
        values={"code": 1, "list": [1, 2.5, None, True, {"a": "b"}]},
        headers={"X-Order": " 17 ", "References": "<a@b> <c@d>"},
        attachments=[{**FILE, "content": "JVBE\r\nRg==\n"}, {**FILE, "name": "日本.png", "content_id": "<logo@x>"}],
        tags=["a", "b", "a"],
        reference="order-17",
        unsubscribe="ja",
        track={"opens": True},
        send_at="2026-12-01T09:00:00+09:00",
    )
    assert [(str(kind), one.address) for kind, one in message.recipients] == [
        ("to", "Ann@example.com"),
        ("to", "bo@example.com"),
        ("cc", "cy@example.com"),
        ("bcc", "di@example.com"),
    ]
    assert message.names == {"Ann@example.com": "Ann Lee"}
    assert message.shared
    assert message.is_marketing
    assert message.headers == {"X-Order": "17", "References": "<a@b> <c@d>"}
    assert [(one.name, one.media_type, one.content, one.content_id) for one in message.attachments] == [
        ("a.pdf", "application/pdf", b"%PDF", None),
        ("日本.png", "image/png", b"%PDF", "logo@x"),
    ]
    assert message.tags == ("a", "b")
    assert (message.unsubscribe, message.track) == (UnsubscribeLanguage.JAPANESE, Tracking(opens=True, clicks=False))
    assert message.send_at == datetime(2026, 12, 1, tzinfo=UTC)
    assert read_stored(message.stored) == message


def test_each_address_of_to_gets_a_mail_of_its_own_unless_it_is_said_otherwise():
    assert not parsed(to=["ann@example.com", "bo@example.com"]).shared
    assert parsed(to=["ann@example.com", "bo@example.com"], shared=True).shared
    assert parsed(bcc="bo@example.com").shared
    assert parsed(to=None, bcc="bo@example.com").recipients[0][0] is RecipientKind.BCC


def test_a_time_that_has_just_passed_means_at_once():
    assert parsed(send_at="2026-11-30T11:56:00Z").send_at is None
    assert parsed(send_at=(NOW + timedelta(days=7)).isoformat()).send_at == NOW + timedelta(days=7)


def test_marketing_is_what_can_be_unsubscribed_from_unless_it_is_said_otherwise():
    assert not parsed().is_marketing
    assert parsed(marketing=True).is_marketing
    assert parsed(unsubscribe="en").is_marketing
    assert not parsed(unsubscribe="en", marketing=False).is_marketing


def test_files_may_have_four_megabytes_together_and_not_one_octet_more():
    half = b64encode(b"x" * (MAX_OCTETS // 2)).decode()
    assert len(parsed(attachments=[{"name": "a.bin", "content": half}] * 2).attachments) == 2
    with pytest.raises(InvalidInput) as refused:
        parsed(attachments=[{"name": "a.bin", "content": half}] * 2 + [{"name": "b", "content": "YQ=="}])
    assert (refused.value.field, refused.value.code) == ("attachments", "attachments_too_large")


def test_programs_of_the_reference_may_set_message_id_and_header_from():
    message = parsed(as_reference=True, message_id="<id@shop.example>", header_from="Shop <a@codes.example.com>")
    assert (message.message_id, str(message.header_from)) == ("<id@shop.example>", "Shop <a@codes.example.com>")
    for wrong in ("id@shop.example", "<id>", "<a@b>\r\nBcc: x", "<a b@c>", "<a@b>, <c@d>", "<" + "a" * 401 + "@b>"):
        with pytest.raises(InvalidInput):
            parsed(as_reference=True, message_id=wrong)


def test_from_names_nobody_of_another_domain():
    with pytest.raises(InvalidInput) as refused:
        parsed(as_reference=True, header_from="Boss <ceo@bank.example>")
    assert (refused.value.field, refused.value.code) == ("header_from", "header_from_of_other_domain")


@pytest.mark.parametrize(
    ("name", "is_allowed"),
    [
        *[(f"a{sign}b.pdf", False) for sign in ' ?\\*|"<>:/'],
        *[(f"a.{end}", True) for end in ("pdf", "PDF", "xlsx", "m4a", "zip")],
        *[(f"a.{end}", False) for end in ("exe", "js", "mp4", "bat", "dmg", "svg", "")],
        ("pdf", False),
        ("日本.pdf", True),
    ],
)
def test_files_of_the_references_programs_have_names_that_are_allowed_there(name, is_allowed):
    fields = {"attachments": [{**FILE, "name": name}]}
    if is_allowed:
        assert parsed(as_reference=True, **fields).attachments[0].name == name
    else:
        with pytest.raises(InvalidInput):
            parsed(as_reference=True, **fields)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.dictionaries(st.sampled_from([*FIELDS, *OF_REFERENCE]) | st.text(max_size=8), JSON, max_size=6), st.booleans()
)
def test_whatever_json_there_is_it_is_a_message_or_refused_with_a_field(fields, as_reference):
    try:
        message = parse_single_message({**PLAIN, **fields}, now=NOW, as_reference=as_reference)
    except InvalidInput as problem:
        assert problem.field is not None  # noqa: PT017
        assert str(problem)  # noqa: PT017
    else:
        assert read_stored(message.stored) == message


@pytest.mark.parametrize("octets", [b"", b"\x01", b"\x02\x00\x00\x00\x02{}", b"\x01\x00\x00\x00\x02{}"])
def test_other_octets_are_no_stored_message(octets):
    with pytest.raises((ValueError, KeyError)):
        read_stored(octets)
