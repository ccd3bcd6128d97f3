"""A single message as a program asks for it: checked, not yet rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ses_ops.domain.mail_tracking import UNTRACKED, Tracking
from ses_ops.domain.unsubscribe_language import UnsubscribeLanguage

if TYPE_CHECKING:
    from ses_ops.domain.address import Address, Sender


class RecipientKind(StrEnum):
    """Where a message shows a recipient; BCC: nowhere."""

    TO = "to"
    CC = "cc"
    BCC = "bcc"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """A file of a message."""

    name: str
    #: MIME type, `type/subtype`, without parameters.
    media_type: str
    content: bytes = field(repr=False)
    #: For `cid:` in the HTML part; None: a file beside the text.
    content_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SingleMessage:
    """One message. Text or HTML is given, or a template, never both."""

    sender: Sender
    to: tuple[Address, ...]
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    #: Whether all recipients get the same mail, whose To and Cc show everybody but `bcc`; always so with `cc` or `bcc`.
    #: Else each address of `to` gets a mail of its own, which shows nobody else.
    shared: bool = False
    #: In From, in place of `sender`, which is the envelope's then.
    header_from: Sender | None = None
    reply_to: str | None = None
    #: With variables; None: the template's.
    subject: str | None = None
    text: str | None = field(default=None, repr=False)
    html: str | None = field(default=None, repr=False)
    template: str | None = None
    #: The version of a stored template that was the newest when the message was accepted; None for one of the folder.
    template_version: int | None = None
    #: JSON values: texts, numbers, true and false, lists and objects.
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    #: Further headers, from the allow-list.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: In place of a Message-ID of our own, with angle brackets.
    message_id: str | None = None
    attachments: tuple[Attachment, ...] = ()
    tags: tuple[str, ...] = ()
    #: The user's own name for the message.
    reference: str | None = None
    unsubscribe: UnsubscribeLanguage = UnsubscribeLanguage.NONE
    #: Whether it is for people who may have unsubscribed from the sender domain: then it leaves those out. Mail with an
    #: unsubscribe link is; a sign-in code is not.
    is_marketing: bool = False
    track: Tracking = UNTRACKED
    #: None: at once.
    send_at: datetime | None = None

    @property
    def recipients(self) -> tuple[tuple[RecipientKind, Address], ...]:
        """Every recipient, in the order of the rows of the ledger."""
        kinds = ((RecipientKind.TO, self.to), (RecipientKind.CC, self.cc), (RecipientKind.BCC, self.bcc))
        return tuple((kind, address) for kind, addresses in kinds for address in addresses)
