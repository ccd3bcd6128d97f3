"""What the holder of an unsubscribe token can see and do: leave the bulk mail of a sender domain, and come back.

The token is the right to it (docs/decisions/0038-an-old-link-always-unsubscribes.md). It says nothing of an address:
what is shown is obscured, and what changes is the entry of the address in the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.domain.message_event import EventKind, MessageEvent, MessageKey
from ses_ops.events.tokens import address_check
from ses_ops.storage.events import recording
from ses_ops.storage.suppression.subscriptions import has_left

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

#: The feeds of this module.
PAGE, ONE_CLICK = "unsubscribe_page", "one_click"


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """What the page shows."""

    #: Such as `a***@example.com`.
    address: str
    sender_domain: str
    unsubscribed: bool


def subscription(conn: Connection, key: MessageKey) -> Subscription | None:
    """The subscription of a token's message; None where the ledger has no such message (any more)."""
    name = recording.MessageId(key.occurrence_id, key.seq)
    recording.look_up_by_key(conn)
    found = recording.find_messages(conn, {name}).get(name)
    if found is None or key.address_check not in (address_check(found.address_key), address_check(found.address)):
        return None
    left = has_left(conn, found.address_key, found.sender_domain)
    return Subscription(address=obscured(found.address), sender_domain=found.sender_domain, unsubscribed=left)


def obscured(address: str) -> str:
    """An address that its owner knows again and nobody else can write to: one character, and the domain."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}"


def subscription_event(key: MessageKey, *, kind: EventKind, source: str, moment: datetime) -> MessageEvent:
    """The event of a request to leave (UNSUBSCRIBED) or to come back (RESUBSCRIBED).

    Its id has the moment in it: a person who leaves, comes back and leaves again has left, and with an id of token and
    kind alone the second leaving would be a repetition of the first. How often one token is used is limited by its rate
    (public/services.py).
    """
    return MessageEvent(
        kind=kind,
        source=source,
        source_id=f"{key.occurrence_id}-{key.seq}-{key.address_check:08x}-{kind}-{moment.timestamp():.6f}",
        occurred_at=moment,
        message=key,
        authenticated=True,
    )
