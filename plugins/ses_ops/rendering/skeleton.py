"""The constant part of a task's messages, made once by the standard library's email package, with gaps for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

from ses_ops.domain.address import Sender

#: "=_" cannot stand in quoted-printable text (RFC 2045 6.7 (5)), so no content can look like the boundary.
BOUNDARY = "=_ses-ops_alternative_="
#: What stands for the parts that differ from message to message; a body's gap takes its line break along. The date is
#: a real one because the email package writes nothing else into a Date.
_GAPS = {
    "before_to": "xGAPxTOx",
    "before_subject": "xGAPxSUBJECTx",
    "before_date": "Thu, 01 Jan 1970 00:00:00 +0000",
    "before_id": "xGAPxIDx",
    "before_link": "xGAPxLINKx",
    "before_text": "xGAPxTEXTx\r\n",
    "before_html": "xGAPxHTMLx\r\n",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Skeleton:
    """What stands before each of the variable parts of a message. Concatenate in this order.

    `before_link` and `before_html` are empty in messages without an unsubscribe link or an HTML part.
    """

    before_to: bytes
    before_subject: bytes
    before_date: bytes
    before_id: bytes
    before_link: bytes
    before_text: bytes
    before_html: bytes
    end: bytes


def build_skeleton(
    *, sender: Sender, reply_to: Sender | None, has_link: bool, one_click: bool, has_html: bool
) -> Skeleton:
    """The skeleton of a message with these parts; header order as in the mail of large senders."""
    # An international local part can only be sent with SMTPUTF8 (RFC 6532), which is what that policy writes.
    addresses = sender.address + (reply_to.address if reply_to else "")
    message = EmailMessage(policy=SMTP if addresses.isascii() else SMTPUTF8)
    message["From"] = _mailbox(sender)
    message["To"] = _GAPS["before_to"]
    message["Subject"] = _GAPS["before_subject"]
    message["Date"] = _GAPS["before_date"]
    message["Message-ID"] = _GAPS["before_id"]
    if reply_to:
        message["Reply-To"] = _mailbox(reply_to)
    if has_link:
        message["List-Unsubscribe"] = _GAPS["before_link"]
    if one_click:
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(_GAPS["before_text"], cte="quoted-printable")
    if has_html:
        message.add_alternative(_GAPS["before_html"], subtype="html", cte="quoted-printable")
        message.set_boundary(BOUNDARY)
        for part in message.iter_parts():
            del part["MIME-Version"]
    return _split(bytes(message))


def _split(written: bytes) -> Skeleton:
    """Cut at the gaps, in order: a sender whose name looks like a gap comes before the first."""
    before = {}
    head, _, rest = written.partition(b"\r\nTo: ")
    for name, gap in _GAPS.items():
        constant, found, following = rest.partition(gap.encode())
        before[name] = constant if found else b""
        rest = following if found else rest
    before["before_to"] = head + b"\r\nTo: "
    return Skeleton(**before, end=rest)


def _mailbox(sender: Sender) -> HeaderAddress:
    return HeaderAddress(display_name=sender.display_name, addr_spec=sender.address)
