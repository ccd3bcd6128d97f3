"""What the standard library's parser reads back from a message is exactly what was put in, for every text."""

from __future__ import annotations

import html as html_library
import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ses_ops.domain.address import Sender, parse_sender
from ses_ops.errors import InvalidInput
from ses_ops.rendering.constant_part import BOUNDARY
from ses_ops.rendering.message import MessageRenderer
from ses_ops.rendering.template import MailTemplate, load_template
from tests.sizes import examples

SENDER = parse_sender("Example Shop <news@mail.example.com>")
HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]
HOSTILE = [
    "\r\nBcc: x@example.com", "\n\n<script>alert(1)</script>", f"\r\n--{BOUNDARY}\r\n", f"--{BOUNDARY}--", "=?utf-8?",
    "=?utf-8?b?QUJD?=", "=?utf-8?q?=0D=0ABcc:_x?=", ".", "\r\n.\r\n", "\n.\n", "..", "\x00", "a\x00b", "👩‍👩‍👧‍👦" * 30,
    "\u202eעברית", "שלום עולם " * 20, "x" * 2000, "語" * 500, "<script>", '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "{% raw %}", "\x0b\x0c\x1c\x85\u2028\u2029", " ", "  a  ", "\t", "=", "=\n", "= \n", " \n \n", "a \n", "\r", "\n\r",
    "From here", "xGAPxTEXTx", "Thu, 01 Jan 1970 00:00:00 +0000", "word " * 60, "a" * 66 + " b", "é" * 37,
    "a" * 75 + "\n",
    "\ufeffBOM", "\ufffe", "e\u0301" * 40, "%s %d {} $x", "\\r\\n", "&amp;", "Markup & more",
]  # fmt: skip
VALUES = st.one_of(
    st.text(max_size=300),
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from(HOSTILE) | st.text(max_size=20), max_size=6).map("".join),
    st.text("ab \t\r\n.=-", max_size=300),
).filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text))


@cache
def renderer() -> MessageRenderer:
    """A template that is nothing but values; the renderer keeps what it learns from one example to the next."""
    folder = Path(mkdtemp()) / "echo"
    folder.mkdir()
    (folder / "subject.txt").write_text("{{ subject }}")
    (folder / "body.html").write_text("<p>static</p>\n<b>{{ html }}</b>{{ text }}\n<i>end</i>")
    (folder / "body.txt").write_text("{{ text }}{{ html }}")
    return MessageRenderer(load_template(folder.parent, "echo"), sender=SENDER, installation_id="i1")


def read(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def as_lines(text: str) -> str:
    """The documented rule: every kind of line break is one, and the text ends in one."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") or not text else text + "\n"


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert isinstance(body, EmailMessage)
    assert not body.defects
    return str(body.get_content()).replace("\r\n", "\n")


def one_line(text: str) -> str:
    """The documented rule of a subject."""
    return re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).strip()


@settings(max_examples=examples(400), deadline=None)
@given(subject=VALUES, text=VALUES, html=VALUES)
@example(subject="", text="", html="")
@example(subject="=?", text="\r", html="\n")
def test_what_went_in_is_read_back(subject: str, text: str, html: str) -> None:
    values = {"subject": subject, "text": text, "html": html}
    expected_subject = one_line(subject)
    if len(expected_subject) > 998:
        with pytest.raises(InvalidInput, match="998"):
            renderer().render(occurrence_id=1, seq=1, address="ann@example.com", values=values)
        return
    raw = renderer().render(occurrence_id=1, seq=1, address="ann@example.com", values=values)
    message = read(raw)
    assert message.keys() == HEADERS
    assert not message.defects
    assert message["To"] == "ann@example.com"
    assert [address.addr_spec for address in message["To"].addresses] == ["ann@example.com"]
    assert str(message["Subject"]) == expected_subject
    assert part(message, "plain") == as_lines(text + html)
    escaped = html_library.escape(html).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    escaped_text = html_library.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    assert part(message, "html") == as_lines(f"<p>static</p>\n<b>{escaped}</b>{escaped_text}\n<i>end</i>")
    assert [piece.get_content_type() for piece in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


@settings(max_examples=examples(200), deadline=None)
@given(subject=VALUES, text=VALUES, html=VALUES)
def test_every_line_is_short_ascii_and_ends_in_crlf(subject: str, text: str, html: str) -> None:
    values = {"subject": subject[:900], "text": text, "html": html}
    raw = renderer().render(occurrence_id=1, seq=1, address="ann@example.com", values=values)
    assert raw.isascii()
    assert b"\x00" not in raw
    assert raw.count(b"\n") == raw.count(b"\r") == raw.count(b"\r\n")
    assert raw.endswith(b"\r\n")
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 78
    assert not any(line.startswith(b".") for line in lines), "SMTP would have to double it"
    assert lines.count(b"--" + BOUNDARY.encode()) == 2
    assert lines.count(b"--" + BOUNDARY.encode() + b"--") == 1


@settings(max_examples=examples(200), deadline=None)
@given(name=VALUES)
def test_any_display_name_is_read_back_and_stays_a_name(name: str) -> None:
    try:
        sender = parse_sender('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '" <news@example.com>')
    except InvalidInput:
        return
    raw = one_message(sender)
    message = read(raw)
    assert message.keys() == HEADERS
    (address,) = message["From"].addresses
    assert address.addr_spec == "news@example.com"
    # Python 3.11's newer parser leaves spaces between the encoded words of a name (RFC 2047 6.2: drop them).
    value = message_from_bytes(raw)["From"]
    shown = str(make_header(decode_header(value)))
    shown = shown.removesuffix("<news@example.com>").removesuffix("news@example.com").rstrip()
    if not value.startswith("=?") and value.startswith('"'):
        shown = re.sub(r"\\(.)", r"\1", shown[1:-1])
    assert shown == sender.display_name
    assert message["Reply-To"] is None


@cache
def order_notice() -> MailTemplate:
    return load_template(Path(__file__).parents[3] / "include" / "templates", "order-notice")


def one_message(sender: Sender) -> bytes:
    template = order_notice()
    made = MessageRenderer(template, sender=sender, installation_id="i1")
    return made.render(occurrence_id=1, seq=1, address="ann@example.com", values=template.sample_values)


@given(position=st.sampled_from(["subject", "text", "html"]), half=st.characters(categories=["Cs"]))
def test_half_a_surrogate_pair_is_an_error_of_that_message(position: str, half: str) -> None:
    values = {"subject": "s", "text": "t", "html": "h", position: f"a{half}b"}
    with pytest.raises(InvalidInput, match="surrogate"):
        renderer().render(occurrence_id=1, seq=1, address="ann@example.com", values=values)


def test_the_encoder_gives_the_same_before_and_after_it_has_learned() -> None:
    values = {"subject": "s", "text": "a\nb = c\n", "html": "x"}
    first = renderer().render(occurrence_id=1, seq=1, address="ann@example.com", values=values)
    for number in range(40):
        renderer().render(occurrence_id=1, seq=1, address="a@example.com", values={**values, "text": f"{number}\nb"})
    again = renderer().render(occurrence_id=1, seq=1, address="ann@example.com", values=values)
    assert re.sub(rb"Date: .*\r\n", b"", again) == re.sub(rb"Date: .*\r\n", b"", first)
