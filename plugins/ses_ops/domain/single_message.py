"""A single message as a program asks for it: checked, not yet rendered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from struct import Struct
from typing import Any

from ses_ops.domain.address import Address, Sender
from ses_ops.domain.mail_tracking import UNTRACKED, Tracking
from ses_ops.domain.unsubscribe_language import UnsubscribeLanguage, stored_unsubscribe

#: Of a stored message: the version of its form, and the octets of the JSON that follows. Behind it stand the files.
_HEAD = Struct(">BI")
_FORM = 1


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
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    #: Display names of recipients, by address.
    names: Mapping[str, str] = field(default_factory=dict)
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
    #: Whether subject, text and html are no templates: `{{` in them is `{{`.
    verbatim: bool = False
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

    @property
    def stored(self) -> bytes:
        """All of it, for `read_stored`."""
        files = [[one.name, one.media_type, len(one.content), one.content_id] for one in self.attachments]
        said = {
            "sender": _of_sender(self.sender),
            **{kind: [list(one) for one in getattr(self, kind)] for kind in ("to", "cc", "bcc")},
            **{name: getattr(self, name) for name in _AS_THEY_ARE},
            "header_from": _of_sender(self.header_from) if self.header_from else None,
            "tags": list(self.tags),
            "unsubscribe": str(self.unsubscribe),
            "track": list(self.track),
            "send_at": self.send_at.astimezone(UTC).isoformat() if self.send_at else None,
            "files": files,
        }
        octets = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
        return b"".join((_HEAD.pack(_FORM, len(octets)), octets, *(one.content for one in self.attachments)))


#: Fields that JSON has as they are.
_AS_THEY_ARE = (
    *("names", "shared", "reply_to", "subject", "text", "html", "template", "template_version", "verbatim", "values"),
    *("headers", "message_id", "reference", "is_marketing"),
)


def read_stored(octets: bytes | memoryview) -> SingleMessage:
    """The message whose `stored` this is. Raises ValueError for anything else, such as a form of a later version."""
    whole = memoryview(octets)
    if len(whole) < _HEAD.size or whole[0] != _FORM:
        raise ValueError("these octets are no message that this version has stored")
    at = _HEAD.size + _HEAD.unpack(whole[: _HEAD.size])[1]
    said = json.loads(bytes(whole[_HEAD.size : at]))
    files = []
    for name, media_type, size, content_id in said["files"]:
        content = bytes(whole[at : at + size])
        files.append(Attachment(name=name, media_type=media_type, content=content, content_id=content_id))
        at += size
    if at != len(whole):
        raise ValueError("a stored message has more or fewer octets than it says")
    same: dict[str, Any] = {name: said[name] for name in _AS_THEY_ARE}
    to, cc, bcc = (tuple(Address(*one) for one in said[kind]) for kind in ("to", "cc", "bcc"))
    return SingleMessage(
        sender=Sender(**said["sender"]),
        to=to,
        cc=cc,
        bcc=bcc,
        **same,
        header_from=Sender(**said["header_from"]) if said["header_from"] else None,
        attachments=tuple(files),
        tags=tuple(said["tags"]),
        unsubscribe=stored_unsubscribe(said["unsubscribe"]),
        track=Tracking(*said["track"]),
        send_at=datetime.fromisoformat(said["send_at"]) if said["send_at"] else None,
    )


def _of_sender(sender: Sender) -> dict[str, str]:
    return {"display_name": sender.display_name, "address": sender.address, "domain": sender.domain}
