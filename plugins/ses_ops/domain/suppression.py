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
        raise InvalidInput(f"an entry of reason {reason} does not end; only manual ones can", where=where)
    moment = read_moment(text, zone("UTC"), where=where)
    if moment is None:
        raise InvalidInput(f"{text!r} is not a day or time; write for example 2027-01-31", where=where)
    if moment <= now:
        raise InvalidInput(f"{text!r} has passed", where=where)
    return moment
