"""Events of a message after it has left: what providers, reports and recipients tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from ses_ops.domain.delivery_failure import DeliveryFailure

#: Characters that are kept of the server's words, and of an event as it came.
MAX_DIAGNOSTIC, MAX_RAW = 1_000, 16_000


class EventKind(StrEnum):
    """What happened to a message."""

    #: The recipient's mailbox provider accepted the message.
    DELIVERED = "delivered"
    #: The provider did not accept the message yet; the sender's side goes on trying.
    DEFERRED = "deferred"
    #: The sending provider did not send the message: its own suppression list, its limits, its review of content.
    DROPPED = "dropped"
    #: The message came back: hard when the address or its domain does not exist or has moved, else soft.
    BOUNCED = "bounced"
    #: The recipient reported the message as spam.
    COMPLAINED = "complained"
    #: The recipient asked for no more bulk mail of the sender domain.
    UNSUBSCRIBED = "unsubscribed"
    #: The recipient took an unsubscription back, on its page.
    RESUBSCRIBED = "resubscribed"


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageKey:
    """The key of a message in the ledger, as a token carries it."""

    occurrence_id: int
    seq: int
    #: `events.tokens.address_check` of the address the message went to: a ledger that was restored from a backup may
    #: have given the same numbers to another message.
    address_check: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageEvent:
    """An event, normalised."""

    kind: EventKind
    #: The name of the feed: `bounce_mail`, `amazon_ses`, `unsubscribe_page`, ...
    source: str
    #: The source's own id of the event, or a hash of its content: an event of the same source and id is a repetition.
    #: Where one report tells of several recipients each has an id of its own.
    source_id: str
    #: By the clock of the source. It is a function of what was reported and never of when it was read, because a
    #: repetition must have the same; aware of its zone.
    occurred_at: datetime
    #: None: the source carried no valid token. Such an event changes nothing but the list of unmatched events.
    message: MessageKey | None
    #: The Message-ID of the mail as the source gives it, without angle brackets; a hint for a person, and the second
    #: key for sources that are authenticated.
    message_id: str = ""
    #: Whether the source is authenticated (a signature, a login), so that its Message-ID may find the message.
    authenticated: bool = False
    #: The address as the source names it. What is suppressed is the address in the ledger, never this one.
    address: str = ""
    #: The source's own words for the kind, such as `Bounce/Permanent/NoEmail`.
    provider_kind: str = ""
    #: Why, of a bounce, a deferral or a drop; None where it is not known.
    failure: DeliveryFailure | None = None
    #: Of a bounce: the address or its domain does not exist, or has moved.
    hard: bool = False
    #: The server's words, at most MAX_DIAGNOSTIC characters.
    diagnostic: str = ""
    #: The event as it came, at most MAX_RAW characters.
    raw: str = ""
