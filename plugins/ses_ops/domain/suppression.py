"""Why an address gets no mail, and until when (domain.md)."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from ses_ops.errors import InvalidInput


class SuppressionReason(StrEnum):
    """Why an address gets no mail (domain.md)."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    MANUAL = "manual"


def read_expiry(text: str | None, reason: str, *, now: datetime, where: str) -> datetime | None:
    """A day or time in UTC, after `now`; only an entry by hand may end (the others are somebody's own wish)."""
    if not text:
        return None
    if reason != SuppressionReason.MANUAL:
        raise InvalidInput(f"an entry of reason {reason} does not end; only manual ones can", where=where)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput(f"{text!r} is not a day or time; write for example 2027-01-31", where=where) from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    if moment <= now:
        raise InvalidInput(f"{text!r} has passed", where=where)
    return moment
