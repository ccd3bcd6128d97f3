"""The constant part of a task's messages, written once by the email package, with gaps for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.policy import SMTP

from ses_ops.domain.address import Sender
from ses_ops.rendering.header import encode_mailbox

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
    "before_event": "xGAPxEVENTx",
    "before_text": "xGAPxTEXTx\r\n",
    "before_html": "xGAPxHTMLx\r\n",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Skeleton:
    """What stands before each of the variable parts of a message. Concatenate in this order.

    `before_link`, `before_event` and `before_html` are empty in messages without an unsubscribe link, a header for the
    mail provider, or an HTML part.
    """

    before_to: bytes
    before_subject: bytes
    before_date: bytes
    before_id: bytes
    before_link: bytes
    before_event: bytes
    before_text: bytes
    before_html: bytes
    end: bytes


def build_skeleton(
    *,
    sender: Sender,
    reply_to: Sender | None,
    has_link: bool,
    one_click: bool,
    has_html: bool,
    headers: Mapping[str, str],
    provider_header: str | None = None,
) -> Skeleton:
    """The skeleton of a message with these parts and further headers; header order as in the mail of large senders."""
    message = EmailMessage(policy=SMTP)
    message["From"] = "xGAPxFROMx"
    message["To"] = _GAPS["before_to"]
    message["Subject"] = _GAPS["before_subject"]
    message["Date"] = _GAPS["before_date"]
    message["Message-ID"] = _GAPS["before_id"]
    if reply_to:
        message["Reply-To"] = "xGAPxREPLYx"
    if has_link:
        message["List-Unsubscribe"] = _GAPS["before_link"]
    if one_click:
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if provider_header:
        message[provider_header] = _GAPS["before_event"]
    for name, text in headers.items():
        message[name] = text
    message.set_content(_GAPS["before_text"], cte="quoted-printable")
    if has_html:
        message.add_alternative(_GAPS["before_html"], subtype="html", cte="quoted-printable")
        message.set_boundary(BOUNDARY)
        for part in message.iter_parts():
            del part["MIME-Version"]
    skeleton = _split(bytes(message))
    # An international local part stands in From as UTF-8 (RFC 6532) and needs a server with SMTPUTF8.
    from_value = encode_mailbox(sender.display_name, sender.address, header="From")
    head = skeleton.before_to.replace(b"xGAPxFROMx", from_value)
    if reply_to is None:
        return replace(skeleton, before_to=head)
    # Reply-To follows the Message-ID, so it is part of what comes before the next gap.
    gap = "before_link" if has_link else "before_event" if provider_header else "before_text"
    constant: bytes = getattr(skeleton, gap)
    value = encode_mailbox(reply_to.display_name, reply_to.address, header="Reply-To")
    return replace(skeleton, before_to=head, **{gap: constant.replace(b"xGAPxREPLYx", value)})


def _split(written: bytes) -> Skeleton:
    """Cut at the gaps, which stand in the order of `_GAPS`."""
    before = {}
    for name, gap in _GAPS.items():
        constant, found, following = written.partition(gap.encode())
        before[name] = constant if found else b""
        written = following if found else written
    return Skeleton(**before, end=written)
