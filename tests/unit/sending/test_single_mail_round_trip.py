"""Whatever values, names, headers and files a request gives: its mail has exactly those, and no header more."""

from __future__ import annotations

from base64 import b64encode
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.utils import getaddresses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ses_ops.domain.single_message import SingleMessage, read_stored
from ses_ops.errors import InvalidInput
from ses_ops.rendering.constant_part import BOUNDARY
from tests.sizes import examples
from tests.unit.rendering.test_message_round_trip import HOSTILE, one_line
from tests.unit.sending.single_mails import ALWAYS, LAST, parsed, prepared, read

TEXT = st.one_of(
    st.text(max_size=200),
    st.sampled_from([*HOSTILE, "--=_ses-ops_mixed_=--", f"\r\n--{BOUNDARY}--\r\n", "a@b, c@d", "x: y", "日本 語.pdf"]),
    st.text("ab \t\r\n.=-%'\"\\;,", max_size=120),
)
#: The same, mostly as a request may have it in one line; that one with a line break is refused is said by another test.
LINE = TEXT.map(one_line).filter(bool) | TEXT.map(lambda text: f"a{one_line(text)}b"[:900])
BODY = TEXT.map(lambda text: "".join(char for char in text if char >= " " or char in "\t\r\n"))
FILE = st.fixed_dictionaries(
    {
        "name": LINE.map(lambda text: text.replace("/", "_").replace("\\", "_")[:255]),
        "content": st.binary(max_size=200).map(lambda octets: b64encode(octets).decode()),
    },
    optional={
        "content_id": st.text("abc@.-", min_size=1, max_size=8),
        "type": st.sampled_from(["image/png", "text/x"]),
    },
)
HEADER = st.sampled_from(["X-Order", "Keywords", "Organization", "X-a", "Comments"])
QUOTED = LINE.map(lambda text: text[:180].replace("\\", "\\\\").replace('"', '\\"'))
NAME = QUOTED.map(lambda text: f'"{text}" <code@codes.example.com>')


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Fields that may be refused, each in one of ten."""
    raw = draw(st.sampled_from(["from_", "subject", "text", "to", "headers", "attachments", *[""] * 20]))
    line, body = LINE, BODY
    fields: dict[str, Any] = {"subject": draw(line), "verbatim": True, "text": draw(body.filter(bool))}
    fields["html"] = draw(st.none() | body)
    fields["from_"] = draw(NAME)
    fields["to"] = [draw(NAME).replace("code@", "ann@"), "bo@example.com"]
    fields["cc"] = draw(st.sampled_from([None, ["cy@example.com"], ["Cy Jr. <cy@example.com>"]]))
    fields["bcc"] = draw(st.sampled_from([None, ["di@example.com"]]))
    fields["headers"] = draw(st.dictionaries(HEADER, line, max_size=3))
    fields["attachments"] = draw(st.lists(FILE, max_size=3))
    if raw in fields:
        fields[raw] = {"headers": {"X-Order": draw(TEXT)}, "attachments": [{"name": draw(TEXT), "content": ""}]}.get(
            raw, draw(TEXT)
        )
    return fields


@settings(max_examples=examples(400))
@given(fields=requests())
def test_what_is_made_reads_back_as_what_was_asked_for(fields):
    try:
        message = parsed(**fields)
        made = prepared(message)
    except InvalidInput as problem:
        assert problem.field, problem  # noqa: PT017
        return
    assert read_stored(message.stored) == message
    for place in range(len(message.recipients)):
        raw = made.content(7, 100 + place, place)
        check(message, raw, place)
        assert names_of_files(message_from_bytes(raw)) == names_of_files(read(raw))


def mailboxes(raw: bytes, header: str) -> list[tuple[str, str]]:
    """Display names and addresses. (Python's newer parser has a space too many between two encoded words.)"""
    found = message_from_bytes(raw).get_all(header, [])
    return [(str(make_header(decode_header(name))), address) for name, address in getaddresses(found)]


def check(message: SingleMessage, raw: bytes, place: int) -> None:
    """The mail is that message."""
    mail = read(raw)
    cc = ("Cc",) if message.cc else ()
    frame = ["MIME-Version", "Content-Type"]
    frame += [] if mail.is_multipart() else ["Content-Transfer-Encoding"]
    assert list(mail.keys()) == [*ALWAYS[:2], *cc, *ALWAYS[2:], *LAST, *message.headers, *frame]
    assert mail["Subject"] == one_line(message.subject or "")
    assert mailboxes(raw, "From") == [(message.sender.display_name, message.sender.address)]
    shown = message.to if message.shared else message.to[place : place + 1]
    for header, addresses in (("To", shown), ("Cc", message.cc)):
        assert mailboxes(raw, header) == [(message.names.get(one.address, ""), one.address) for one in addresses]
    for name, text in message.headers.items():
        assert mail[name] == text
    check_parts(message, mail)


def check_parts(message: SingleMessage, mail: EmailMessage) -> None:
    """Text, HTML and files."""
    leaves = [part for part in mail.walk() if not part.is_multipart()]
    bodies = [("text/plain", message.text)] + ([("text/html", message.html)] if message.html is not None else [])
    for part, (kind, text) in zip(leaves, bodies, strict=False):
        assert not part.defects
        assert part.get_content_type() == kind
        # Without a text one is made of the HTML.
        assert text is None or without_end(str(part.get_content())) == without_end(text)
    shown = [one for one in message.attachments if one.content_id and message.html is not None]
    files = [*shown, *(one for one in message.attachments if one not in shown)]
    found = leaves[len(bodies) :]
    assert [(part.get_content_type(), part.get_payload(decode=True)) for part in found] == [
        (one.media_type, one.content) for one in files
    ]
    assert [part.get_filename() for part in found] == [one.name for one in files]
    assert [part["Content-ID"] for part in found] == [
        f"<{one.content_id}>" if one.content_id else None for one in files
    ]


def without_end(text: str) -> str:
    """The text without line breaks at its end: of parts of a multipart, the last one belongs to the boundary."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def names_of_files(mail: Message) -> list[str | None]:
    """The names as they are read; the older policy of Python reads parameters by other code."""
    return [part.get_filename() for part in mail.walk()]


@pytest.mark.parametrize("text", ["{{ x }}", "{% if %}", "{# a", "{{", "{% endraw %}", "{{ '{' }}"])
def test_a_verbatim_message_is_filled_in_nowhere(text):
    message = parsed(subject=text, text=text, html=f"<p>{text}</p>", verbatim=True)
    made = read(prepared(message).content(7, 100, 0))
    assert made["Subject"] == text
    assert [str(part.get_content()).strip() for part in made.iter_parts()] == [text, f"<p>{text}</p>"]
