"""The reason and the expiry of an entry of the suppression list."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from ses_ops.domain.clock import read_moment, zone
from ses_ops.errors import InvalidInput


class SuppressionReason(StrEnum):
    """The reason why an address gets no mail."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    MANUAL = "manual"


def read_expiry(text: str | None, reason: str, *, now: datetime, where: str) -> datetime | None:
    """The moment, after `now`, at which an entry expires; None for an empty text.

    `text` is a day (from whose beginning in UTC the address gets mail again) or a time in UTC. Only an entry made by
    hand may expire; the other reasons are the recipient's own wish or a fact. Raises InvalidInput.
    """
    if not text:
        return None
    if reason != SuppressionReason.MANUAL:
        raise InvalidInput("expiry_not_of_this_reason", reason=reason, where=where)
    moment = read_moment(text, zone("UTC"), where=where)
    if moment is None:
        raise InvalidInput("not_an_expiry", value=text, where=where)
    if moment <= now:
        raise InvalidInput("expiry_has_passed", value=text, where=where)
    return moment
