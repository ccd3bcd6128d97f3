"""The status of a single message: where it stands as a whole, when its recipients differ."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class SingleMessageStatus(StrEnum):
    """Where a message stands. Each word but the first two is also one of MessageStatus, of one recipient.

    The order is that in which a person wants to know: what is not over yet, then what went wrong, then the rest.
    """

    #: Its time (`send_at`) has not come.
    SCHEDULED = "scheduled"
    #: Its time came, and nobody got it: over quota, for instance.
    REFUSED = "refused"
    SENDING = "sending"
    QUEUED = "queued"
    RETRYING = "retrying"
    CACHED = "cached"
    UNKNOWN = "unknown"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    #: A person or a program cancelled it before its time.
    CANCELLED = "cancelled"
    SENT = "sent"


#: Statuses of a message that may still become others by themselves.
PENDING = frozenset(
    {
        *(SingleMessageStatus.SCHEDULED, SingleMessageStatus.SENDING, SingleMessageStatus.QUEUED),
        *(SingleMessageStatus.RETRYING, SingleMessageStatus.CACHED),
    }
)
_ORDER = {status: place for place, status in enumerate(SingleMessageStatus)}


def status_of(recipients: Iterable[SingleMessageStatus]) -> SingleMessageStatus:
    """The status of a message whose recipients have these: the first of them in the order above."""
    return min(recipients, key=_ORDER.__getitem__)
