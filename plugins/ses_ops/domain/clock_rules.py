"""Rules for moments: every datetime is aware, every zone is an IANA name."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ses_ops.errors import InvalidInput


def check_aware(moment: datetime, what: str = "moment") -> datetime:
    """Return `moment`, or raise ValueError when it has no time zone (a bug, not a person's mistake)."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError(f"{what} has no time zone: {moment!r}")
    return moment


def zone(name: str, *, where: str | None = None, field: str = "time_zone") -> ZoneInfo:
    """The IANA zone of that name; raises InvalidInput for an unknown one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        raise InvalidInput(
            f"{name!r} is not an IANA time zone (write for example Asia/Tokyo or UTC)", where=where, field=field
        ) from None


def from_wall_clock(local: datetime, tz: ZoneInfo) -> datetime:
    """The UTC moment at which a naive wall clock time happens in `tz`.

    A time that a clock change skips happens later by the length of the gap (02:30 becomes 03:30); a time that
    happens twice means its first time. Both as in RFC 5545, section 3.3.5.
    """
    return local.replace(tzinfo=tz, fold=0).astimezone(UTC)


def to_wall_clock(moment: datetime, tz: ZoneInfo) -> datetime:
    """The naive wall clock time in `tz` of an aware moment."""
    return check_aware(moment).astimezone(tz).replace(tzinfo=None)
