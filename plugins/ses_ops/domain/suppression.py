"""Why an address gets no mail, and until when (domain.md)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from ses_ops.domain.clock import read_moment, zone
from ses_ops.errors import InvalidInput


class SuppressionReason(StrEnum):
    """Why an address gets no mail (domain.md)."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    MANUAL = "manual"


def read_expiry(text: str | None, reason: str, *, now: datetime, where: str) -> datetime | None:
    """A day (its beginning: "from this day on the address gets mail again") or time in UTC, after `now`.

    Only an entry by hand may end; the others are somebody's own wish.
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
