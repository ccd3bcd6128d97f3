"""Which message of the ledger an event is about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from ses_ops.events.tokens import address_check
from ses_ops.storage.events.recording import MessageId
from ses_ops.storage.suppression.hashed_suppression import ERASED

if TYPE_CHECKING:
    from ses_ops.domain.message_event import MessageKey

#: Our Message-IDs: installation, occurrence, number in it (`rendering/message.py`).
_MESSAGE_ID = re.compile(r"<?(?P<installation>[0-9a-z]{1,64})\.(?P<occurrence>[0-9]{1,18})\.(?P<seq>[0-9]{1,9})@[^@]*")


class NamesMessage(Protocol):
    """What an event of any kind says of its message: `domain.message_event.MessageEvent` describes the fields."""

    @property
    def message(self) -> MessageKey | None:
        """The key that its token carries."""

    @property
    def message_id(self) -> str:
        """The Message-ID."""

    @property
    def authenticated(self) -> bool:
        """Whether the Message-ID may find the message."""

    @property
    def address(self) -> str:
        """The address as the source names it."""


class Addressed(Protocol):
    """A message of the ledger."""

    @property
    def address(self) -> str:
        """The address as it was given."""

    @property
    def address_key(self) -> str:
        """The address as it is compared, or the hash of an erased person."""


def message_key(event: NamesMessage, installation: str) -> MessageId | None:
    """The key of the message that an event names; None where it names none of this installation."""
    if event.message is not None:
        in_range = 0 < event.message.occurrence_id < 2**63 and 0 < event.message.seq < 2**31
        return MessageId(event.message.occurrence_id, event.message.seq) if in_range else None
    match = _MESSAGE_ID.match(event.message_id) if event.authenticated else None
    if match is None or match["installation"] != installation:
        return None
    return MessageId(int(match["occurrence"]), int(match["seq"]))


def is_about(event: NamesMessage, message: Addressed) -> bool:
    """Whether the event is about this message, and not about one of the same number before a backup was restored."""
    if message.address_key.startswith(ERASED):
        return True  # the address is not known any more, and what follows concerns its hash only
    if event.message is not None:
        return event.message.address_check in (address_check(message.address_key), address_check(message.address))
    return not event.address or event.address.strip("<> ").casefold() == message.address_key.casefold()
