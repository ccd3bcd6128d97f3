"""Single messages of tests: prepared without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from ses_ops.application.template_source import TemplateSource
from ses_ops.domain.message_fields import parse_single_message
from ses_ops.domain.single_message import SingleMessage
from ses_ops.rendering.message import ProviderHeader
from ses_ops.sending.single.prepared_mail import PreparedMail, prepare
from ses_ops.sending.task_renderer import RendererExtras

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SECRET = bytes(range(32))
PUBLIC = "https://mail.example.com"
PLAIN = {"from": "Shop <code@codes.example.com>", "to": "ann@example.com", "subject": "Your code", "text": "123456\n"}
#: Headers of every mail, in their order.
ALWAYS = ("From", "To", "Subject", "Date", "Message-ID")
LAST = ("X-Auto-Response-Suppress", "Auto-Submitted", "Feedback-ID")


def parsed(**fields: Any) -> SingleMessage:
    """The message of PLAIN with these fields; one that is None is absent."""
    given = {name.removesuffix("_"): value for name, value in {**PLAIN, **fields}.items()}
    return parse_single_message({name: value for name, value in given.items() if value is not None}, now=NOW)


def prepared(message: SingleMessage, *, folder: Path = Path("/nonexistent"), **extras: Any) -> PreparedMail:
    """The message, ready to be made."""
    return prepared_of(TemplateSource(folder), message, **extras)


def prepared_of(source: TemplateSource, message: SingleMessage, **extras: Any) -> PreparedMail:
    """The message with the templates of a process."""
    return prepare(
        message,
        source,
        extras=RendererExtras(token_secret=SECRET, **extras),
        installation_id="i1",
        unsubscribe_page=f"{PUBLIC}/u/",
        public_url=PUBLIC,
    )


def mail(folder: Path = Path("/nonexistent"), place: int = 0, **fields: Any) -> EmailMessage:
    """The mail to a recipient as Python's parser reads it."""
    return read(prepared(parsed(**fields), folder=folder).content(7, 100 + place, place))


def read(raw: bytes) -> EmailMessage:
    """A mail as Python's parser reads it; each of its lines is one that SMTP carries."""
    assert raw.endswith(b"\r\n")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


PROVIDER = ProviderHeader("X-Token", "<", ">")
