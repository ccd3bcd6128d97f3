"""The mail of a single message: rendered once, and made into bytes for each recipient (RFC 5322, RFC 2045).

`MessageRenderer` makes a million messages of one template, so it pays a millisecond once. A single message is made of
whatever its request says, in some 100 us: all headers are written here, by the encoders of `header.py`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from ses_ops.domain.address import parse_sender
from ses_ops.domain.single_message import SingleMessage
from ses_ops.errors import InvalidInput
from ses_ops.rendering.attachment_parts import Frame
from ses_ops.rendering.body_part import BodyPart
from ses_ops.rendering.fill import CLICK_TOKEN, OPEN_TOKEN, READY, JsonValues
from ses_ops.rendering.header import clean_subject, encode_mailbox, encode_mailboxes, encode_subject, encode_text
from ses_ops.rendering.mail_parts import Parts
from ses_ops.rendering.message import MAX_MESSAGE, ProviderHeader
from ses_ops.rendering.own_link import NO_TOKEN, OwnLink
from ses_ops.rendering.own_texts import plain_bodies
from ses_ops.rendering.quoted_printable import SOFT_BREAK

_BREAK = SOFT_BREAK.decode()
_LINE_BREAK = re.compile("[\x00\r\n\x0b\x0c\x85\u2028\u2029]").search
#: To of a mail that shows no recipient (RFC 5322 3.6.3 wants none, and some filters do).
_NOBODY = b"undisclosed-recipients:;"
_date = (0, b"")


@dataclass(frozen=True, kw_only=True, slots=True)
class MailTokens:
    """The tokens of one recipient's mail; those that a mail has no place for are not used."""

    unsubscribe: str = NO_TOKEN
    event: str = ""
    opened: str = NO_TOKEN
    clicked: str = NO_TOKEN


@dataclass(frozen=True, kw_only=True, slots=True)
class MailFrame:
    """What a mail has besides its content."""

    #: What stands before and behind `OCCURRENCE.SEQ` in the Message-ID.
    message_id: tuple[str, str]
    #: Names and values of further headers, checked.
    headers: Mapping[str, str] = field(default_factory=dict)
    provider_header: ProviderHeader | None = None
    own_link: OwnLink | None = None


class SingleMail:
    """The mail of one message. `made` may be called from several threads."""

    def __init__(
        self,
        message: SingleMessage,
        frame: MailFrame,
        *,
        subject: BodyPart,
        parts: Parts | None,
        values: Mapping[str, Any],
    ) -> None:
        """Renders it once. `parts` is None for a message that `is_plain`.

        Raises TemplateError or InvalidInput for what would be wrong in every recipient's mail.
        """
        self._message, self._frame, self._parts = message, frame, parts
        self._values = values
        self._are_texts = all(isinstance(value, str) for value in values.values())
        self._tracked = parts is not None and bool(parts.targets or parts.has_pixel)
        found, _ = self._with_link(MailTokens())
        bodies = plain_bodies(message) if parts is None else parts.bodies(found)
        shown = subject.render(found)
        if _LINE_BREAK(shown):
            raise InvalidInput("subject_with_line_break", field="subject")
        #: As the recipients see it.
        self.subject = clean_subject(shown)
        self._bodies: Sequence[bytes] | None = None if self._tracked or frame.own_link else bodies
        self._parts_frame = Frame(message.attachments, has_html=len(bodies) > 1)
        self._write_headers()
        self._refuse_too_large(bodies)

    @property
    def is_one_for_all(self) -> bool:
        """Whether all recipients get the same bytes."""
        return self._message.shared and self._bodies is not None and self._frame.provider_header is None

    @property
    def has_link(self) -> bool:
        """Whether its mail has an unsubscribe link with a token."""
        return self._frame.own_link is not None

    def made(self, occurrence_id: int, seq: int, place: int, tokens: MailTokens) -> bytes:
        """The mail to the recipient in a place of `SingleMessage.recipients`, lines ending in CRLF, not dot-stuffed.

        `seq` is the recipient's row. Raises as the constructor does.
        """
        found, link = self._with_link(tokens)
        bodies = self._bodies
        if bodies is None:
            assert self._parts is not None
            bodies = self._parts.bodies(found)
        lines = [self._top, self._to(place), self._below_to, _now(), b"\r\nMessage-ID: "]
        lines += (self._message_id(occurrence_id, seq - place if self._message.shared else seq), self._below_id)
        if link:
            lines += (b"List-Unsubscribe: ", link, b"\r\n")
        if self._frame.provider_header is not None:
            name, before, after = self._frame.provider_header
            lines.append(f"{name}: {before}{tokens.event}{after}\r\n".encode("ascii"))
        lines.append(self._last)
        return b"".join((*lines, self._parts_frame.around(bodies)))

    def _write_headers(self) -> None:
        message, frame = self._message, self._frame
        author = message.header_from or message.sender
        self._top = b"From: " + encode_mailbox(author.display_name, author.address, header="From") + b"\r\nTo: "
        below = [b"\r\n"]
        if message.cc:
            cc = [(message.names.get(one.address, ""), one.address) for one in message.cc]
            below += (b"Cc: ", encode_mailboxes(cc, header="Cc"), b"\r\n")
        below += (b"Subject: ", encode_subject(self.subject), b"\r\nDate: ")
        self._below_to = b"".join(below)
        reply_to = parse_sender(message.reply_to) if message.reply_to else None
        self._below_id = b"\r\n"
        if reply_to is not None:
            mailbox = encode_mailbox(reply_to.display_name, reply_to.address, header="Reply-To")
            self._below_id += b"Reply-To: " + mailbox + b"\r\n"
        last = []
        if frame.own_link is not None and frame.own_link.one_click:
            last.append(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")
        for name, text in frame.headers.items():
            last += (f"{name}: ".encode("ascii"), encode_text(text, header=name), b"\r\n")
        last.append(b"MIME-Version: 1.0\r\n")
        self._last = b"".join(last)
        self._shown_to = self._all_of_to() if message.shared else None

    def _all_of_to(self) -> bytes:
        message = self._message
        if not message.to:
            return _NOBODY
        to = [(message.names.get(one.address, ""), one.address) for one in message.to]
        return encode_mailboxes(to, header="To")

    def _to(self, place: int) -> bytes:
        if self._shown_to is not None:
            return self._shown_to
        address = self._message.to[place].address
        return encode_mailbox(self._message.names.get(address, ""), address, header="To")

    def _message_id(self, occurrence_id: int, seq: int) -> bytes:
        """The Message-ID: of a mail that all recipients get, one for all."""
        if self._message.message_id:
            return self._message.message_id.encode("ascii")
        before, after = self._frame.message_id
        return f"{before}{occurrence_id}.{seq}{after}".encode("ascii")

    def _with_link(self, tokens: MailTokens) -> tuple[Mapping[str, Any], bytes]:
        """The values with the links of a recipient, and the value of List-Unsubscribe."""
        link = self._frame.own_link
        found, header = link.placed(self._values, tokens.unsubscribe) if link else (self._values, b"")
        if self._tracked:
            # Hexadecimal digits need no encoding.
            clicked, opened = tokens.clicked, tokens.opened
            found = {
                **found,
                CLICK_TOKEN: clicked,
                READY[CLICK_TOKEN]: clicked + _BREAK,
                OPEN_TOKEN: opened,
                READY[OPEN_TOKEN]: opened + _BREAK,
            }
        return found if self._are_texts else JsonValues(found), header

    def _refuse_too_large(self, bodies: Sequence[bytes]) -> None:
        """The bound is that of the reference: text, HTML and files before base64; the files have one of their own."""
        count = sum(map(len, bodies)) + sum(len(one.content) for one in self._message.attachments)
        # 64 kB beside the largest file.
        if count > MAX_MESSAGE + (65_536 if self._message.attachments else 0):
            raise InvalidInput("message_too_large", count=count, most=MAX_MESSAGE)


def _now() -> bytes:
    """The Date header's value (RFC 5322 3.3), which is the same for a second."""
    global _date  # noqa: PLW0603
    now = int(time.time())
    second, date = _date
    if now != second:
        date = format_datetime(datetime.fromtimestamp(now, UTC)).encode("ascii")
        _date = (now, date)
    return date
