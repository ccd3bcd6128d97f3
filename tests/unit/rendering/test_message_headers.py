"""The headers of a message and the single-part form; what would be wrong in every message is refused at once."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from ses_ops.domain.address import parse_sender
from ses_ops.errors import InvalidInput, TemplateError
from ses_ops.rendering.header import encode_subject
from ses_ops.rendering.message import MAX_MESSAGE, MessageRenderer
from tests.unit.rendering.conftest import WriteTemplate

SENDER = parse_sender("Example Shop <news@mail.example.com>")


def made(renderer: MessageRenderer, address: str = "ann@example.org", **values: str) -> EmailMessage:
    raw = renderer.render(occurrence_id=12, seq=34, address=address, values=values)
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def renderer_of(template: Any, **options: Any) -> MessageRenderer:
    return MessageRenderer(template, **{"sender": SENDER, "installation_id": "a1b2", **options})


def test_the_headers_stand_in_the_order_that_readers_expect(write: WriteTemplate) -> None:
    renderer = renderer_of(
        write(html="<p>x</p>"),
        reply_to="Help Desk <help@example.com>",
        unsubscribe_url="https://shop.example.com/u?id={{ id }}",
        clock=lambda: 1_800_000_000.9,
    )
    message = made(renderer, id="a&b=c/ü")
    assert message.items() == [
        ("From", "Example Shop <news@mail.example.com>"),
        ("To", "ann@example.org"),
        ("Subject", "Hello"),
        ("Date", "Fri, 15 Jan 2027 08:00:00 +0000"),
        ("Message-ID", "<a1b2.12.34@mail.example.com>"),
        ("Reply-To", "Help Desk <help@example.com>"),
        ("List-Unsubscribe", "<https://shop.example.com/u?id=a%26b%3Dc%2F%C3%BC>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("MIME-Version", "1.0"),
        ("Content-Type", 'multipart/alternative; boundary="=_ses-ops_alternative_="'),
    ]


def test_a_reply_to_without_an_unsubscribe_link_is_written_too(write: WriteTemplate) -> None:
    message = made(renderer_of(write(text="x"), reply_to="日本 <help@example.com>"))
    assert str(message["Reply-To"]) == "日本 <help@example.com>"
    assert message["List-Unsubscribe"] is None


def test_the_date_follows_the_clock(write: WriteTemplate) -> None:
    now = 1_800_000_000.0
    renderer = renderer_of(write(text="x"), clock=lambda: now)
    assert parsedate_to_datetime(made(renderer)["Date"]).timestamp() == now
    now += 61.5
    assert parsedate_to_datetime(made(renderer)["Date"]).timestamp() == 1_800_000_061


def test_the_message_id_is_the_same_at_every_attempt(write: WriteTemplate) -> None:
    renderer = renderer_of(write(text="x"), message_id_domain="Other.example.com")
    assert made(renderer)["Message-ID"] == made(renderer)["Message-ID"] == "<a1b2.12.34@other.example.com>"
    assert renderer.message_id(12, 34) == "<a1b2.12.34@other.example.com>"


def test_a_template_with_text_alone_makes_a_message_of_one_part(write: WriteTemplate) -> None:
    message = made(renderer_of(write(text="Grüße, {{ name }}")), name="<Ann & Co>")
    assert message.get_content_type() == "text/plain"
    assert message.get_content() == "Grüße, <Ann & Co>\r\n"


@pytest.mark.parametrize(
    ("mark", "subject"), [("none", "Sale, Ann"), ("before", "[AD] Sale, Ann"), ("after", "Sale, Ann [AD]")]
)
def test_the_advertisement_mark_stands_before_or_after_the_subject(
    write: WriteTemplate, mark: str, subject: str
) -> None:
    assert (
        made(renderer_of(write(text="x", subject="Sale, {{ name }}"), advertisement=mark), name="Ann")["Subject"]
        == subject
    )


def test_the_tasks_subject_takes_the_place_of_the_templates(write: WriteTemplate) -> None:
    renderer = renderer_of(write(text="x", subject="Old"), subject="New, {{ name }}")
    assert made(renderer, name="Ann")["Subject"] == "New, Ann"
    assert renderer.preview({"name": "Ann"}).subject == "New, Ann"


def test_an_international_address_stands_in_to_as_it_is(write: WriteTemplate) -> None:
    raw = renderer_of(write(text="x")).render(occurrence_id=1, seq=1, address="jörg@xn--mnchen-3ya.de", values={})
    assert "\r\nTo: jörg@xn--mnchen-3ya.de\r\n".encode() in raw


def test_a_quoted_local_part_is_one_recipient(write: WriteTemplate) -> None:
    message = made(renderer_of(write(text="x")), address='"a, b@c"@example.com')
    assert [address.addr_spec for address in message["To"].addresses] == ['"a, b@c"@example.com']


@pytest.mark.parametrize(
    "address", ["a@b.com, c@d.com", "a@b.com\r\nBcc: c@d.com", "Ann <a@b.com>", "", "a@B.com", "a@b.com\n", "a@b.com>"]
)
def test_anything_but_one_normalised_address_is_refused(write: WriteTemplate, address: str) -> None:
    with pytest.raises(InvalidInput):
        renderer_of(write(text="x")).render(occurrence_id=1, seq=1, address=address, values={})


def test_a_subject_of_998_characters_is_the_longest(write: WriteTemplate) -> None:
    renderer = renderer_of(write(text="x", subject="{{ s }}"))
    for char in ("a", "é", "語"):
        assert made(renderer, s=char * 998)["Subject"] == char * 998
    with pytest.raises(InvalidInput, match="999 characters"):
        made(renderer, s="語" * 999)


def test_a_readable_subject_stays_readable_in_the_source() -> None:
    assert encode_subject("Spring is here") == b"Spring is here"
    long = "A subject of plain words that does not fit into one line, so that it must be folded somewhere"
    assert encode_subject(long).replace(b"\r\n", b"") == long.encode()
    assert b"=?" not in encode_subject(long)


def test_a_message_over_four_megabytes_is_refused(write: WriteTemplate) -> None:
    renderer = renderer_of(write(text="{{ x }}"))
    assert len(renderer.render(occurrence_id=1, seq=1, address="a@b.com", values={"x": "a" * 3_000_000})) < MAX_MESSAGE
    with pytest.raises(InvalidInput, match="4194304"):
        made(renderer, x="a" * MAX_MESSAGE)


def test_a_missing_value_names_the_variable_the_part_and_the_line(write: WriteTemplate) -> None:
    renderer = renderer_of(write(text="one\ntwo {{ city }}"))
    with pytest.raises(TemplateError) as refusal:
        made(renderer, name="Ann")
    assert "'letter' (body.txt): 'city' is undefined (line 2" in str(refusal.value)


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("subject", "two\nlines", "line break"),
        ("subject", "{{ open", "subject"),
        ("reply_to", "x\r\nBcc: y@z.com <a@b.com>", "reply_to"),
        ("reply_to", "nobody", "reply_to"),
        ("reply_to", "日本@example.com", "reply_to"),
        ("installation_id", "a b", "installation_id"),
        ("installation_id", "a>\r\nX: y", "installation_id"),
        ("advertisement", "both", "advertisement"),
        ("unsubscribe_url", "ftp://x.com/{{ id }}", "unsubscribe_url"),
        ("unsubscribe_url", "{{ url }}", "unsubscribe_url"),
        ("unsubscribe_url", "https://x.com/{{ id", "unsubscribe_url"),
        ("message_id_domain", "a b", "domain"),
    ],
)
def test_what_would_be_wrong_in_every_message_is_refused_before_the_first(
    write: WriteTemplate, option: str, value: str, says: str
) -> None:
    with pytest.raises((InvalidInput, TemplateError), match=says):
        renderer_of(write(text="x"), **{option: value})


@pytest.mark.parametrize("hostile", ["x\r\nBcc: a@b.com", "> <https://evil.com", "語", "a b", '"', "\x00", "?&#/:@"])
def test_a_value_stays_one_piece_of_the_unsubscribe_link(write: WriteTemplate, hostile: str) -> None:
    renderer = renderer_of(
        write(text="{{ unsubscribe_url }}"), unsubscribe_url="mailto:off@example.com?subject=off%20{{ id }}"
    )
    message = made(renderer, id=hostile)
    link = message["List-Unsubscribe"]
    assert message["List-Unsubscribe-Post"] is None
    assert link.startswith("<mailto:off@example.com?subject=off%20")
    assert not set(link[1:-1].removeprefix("mailto:off@example.com?subject=off%20")) & set('<> "\r\n?&#/:@')
    assert message.get_content().strip() == link[1:-1]


def test_a_link_that_cannot_stand_in_a_header_is_an_error_of_that_message(write: WriteTemplate) -> None:
    with pytest.raises(InvalidInput, match=r"unsubscribe_url.*900"):
        made(renderer_of(write(text="x"), unsubscribe_url="https://x.com/{{ id }}"), id="語" * 200)
    with pytest.raises(InvalidInput, match="printable ASCII"):
        made(renderer_of(write(text="x"), unsubscribe_url="https://x.com/ü"))
    with pytest.raises(InvalidInput, match="printable ASCII"):
        made(renderer_of(write(text="x"), unsubscribe_url="https://{{ host }}"), host="")
    with pytest.raises(TemplateError, match="surrogate"):
        made(renderer_of(write(text="x"), unsubscribe_url="https://x.com/{{ id }}"), id="\ud800")


@pytest.mark.parametrize(
    ("link", "hint"),
    [
        ("https://bücher.example/off?{{ id }}", "xn--bcher-kva.example"),
        ("https://a@bücher.example:8443/off", "write its host as xn--bcher-kva.example"),
        ("mailto:off@bücher.example", "xn--bcher-kva.example"),
        ("mailto:hjälp@example.com", ""),
        ("https://x\x00y.example/off", ""),
        ("https://x\x7f.example/off", ""),
        ("https://-ü-.example/off", ""),
    ],
)
def test_a_link_whose_host_is_not_printable_ascii_is_refused_and_says_how_to_write_it(
    write: WriteTemplate, link: str, hint: str
) -> None:
    with pytest.raises(InvalidInput, match=rf"unsubscribe_url: .*printable ASCII.*{hint}"):
        made(renderer_of(write(text="x"), unsubscribe_url=link), id="1")


def test_the_link_in_the_body_is_empty_without_an_unsubscribe_url(write: WriteTemplate) -> None:
    template = write(text="a{% if unsubscribe_url %}never{% endif %}b")
    assert made(renderer_of(template)).get_content() == "ab\r\n"
    assert template.variables_for() == frozenset()
