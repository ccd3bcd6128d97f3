"""What the mailbox's pages show of a message: decoded headers, its text and its HTML."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser

from ses_ops.stack.mailbox.store import StoredMessage

#: Headers that the list and the JSON API show, with their names there.
_SHOWN = {"from": "From", "header_to": "To", "subject": "Subject", "message_id": "Message-ID", "date": "Date"}


@dataclass(frozen=True, kw_only=True)
class ReadMessage:
    """One message, decoded for people."""

    headers: tuple[tuple[str, str], ...]
    text: str | None
    html: str | None
    #: Name and media type of the other parts.
    attachments: tuple[tuple[str, str], ...]


def summary(message: StoredMessage) -> dict[str, object]:
    """One line of the list, as JSON; `to` is the envelope's, times in UTC."""
    headers = BytesHeaderParser(policy=policy.default).parsebytes(message.raw)
    shown = {name: _header(headers.get(header)) for name, header in _SHOWN.items()}
    return {
        "id": message.id,
        "received_at": datetime.fromtimestamp(message.received_at, UTC).isoformat(timespec="milliseconds"),
        "mail_from": message.mail_from,
        "to": list(message.recipients),
        "size": len(message.raw),
        **shown,
    }


def read(message: StoredMessage) -> ReadMessage:
    """Decode a message; what is broken in it is shown as well as it can be."""
    parsed = message_from_bytes(message.raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    others = [part for part in parsed.walk() if not part.is_multipart() and part.is_attachment()]
    return ReadMessage(
        headers=tuple((name, _header(value)) for name, value in parsed.items()),
        text=_body(parsed, "plain"),
        html=_body(parsed, "html"),
        attachments=tuple((part.get_filename() or "unnamed", part.get_content_type()) for part in others),
    )


def _header(value: object) -> str:
    return "" if value is None else str(value)


def _body(message: EmailMessage, kind: str) -> str | None:
    try:
        part = message.get_body(preferencelist=(kind,))
        if part is None:
            return None
        return str(part.get_content())
    except (LookupError, ValueError, KeyError):  # an unknown character set or encoding
        payload = part.get_payload(decode=True) if part is not None else b""
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
