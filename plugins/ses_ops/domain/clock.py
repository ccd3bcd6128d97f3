"""Rules for moments: aware datetimes, IANA zones, years from 1970 to 2200."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ses_ops.errors import InvalidInput

#: Years that a moment may have on the clock of the zone that it is read in. No mailing is planned outside of these
#: years, and in every zone they stay clear of the edges of datetime (0001 and 9999), where arithmetic fails.
YEARS = range(1970, 2201)
#: The two moments between which every slot of a schedule is, whatever is stored.
BEGINNING_OF_TIME = datetime(YEARS[0], 1, 1, tzinfo=UTC) - timedelta(days=1)
END_OF_TIME = datetime(YEARS[-1] + 1, 1, 1, tzinfo=UTC) + timedelta(days=1)
_LOOSE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt]|\s+)([0-9]{1,2})(:[0-9]{2}.*)")
#: The longest span that two moments can be apart.
WHOLE_OF_TIME = END_OF_TIME - BEGINNING_OF_TIME


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
        raise InvalidInput("not_a_time_zone", name=name, where=where, field=field) from None


def from_wall_clock(local: datetime, tz: ZoneInfo) -> datetime:
    """The UTC moment at which a naive wall clock time happens in `tz`.

    A time that a clock change skips happens later by the length of the gap (02:30 becomes 03:30); a time that happens
    twice means its first occurrence. Both as in RFC 5545, section 3.3.5. At the edges of datetime the time is read in
    UTC.
    """
    try:
        return local.replace(tzinfo=tz, fold=0).astimezone(UTC)
    except OverflowError:
        return local.replace(tzinfo=UTC, fold=0)


def to_wall_clock(moment: datetime, tz: ZoneInfo) -> datetime:
    """The naive wall clock time in `tz` of an aware moment; at the edges of datetime the time in UTC."""
    try:
        return check_aware(moment).astimezone(tz).replace(tzinfo=None)
    except OverflowError:
        return moment.replace(tzinfo=None)


def happens_twice(moment: datetime, tz: ZoneInfo) -> bool:
    """Whether a clock change makes the clock of `tz` show the time of a moment a second time."""
    local = to_wall_clock(moment, tz)
    return from_wall_clock(local, tz) != local.replace(tzinfo=tz, fold=1).astimezone(UTC)


def is_in_time(moment: datetime, tz: ZoneInfo) -> bool:
    """Whether the clock in `tz` shows one of the YEARS at a moment."""
    return to_wall_clock(moment, tz).year in YEARS


def end_of_day(day: date, tz: ZoneInfo) -> datetime:
    """The last microsecond of a day in `tz`, which has 23, 24 or 25 hours."""
    following = from_wall_clock(datetime.combine(day, time()) + timedelta(days=1), tz)
    return following - timedelta(microseconds=1)


def iso_8601(text: str) -> str:
    """A time as people write it (`2026-12-01 9:00 +09:00`) in the form of ISO 8601."""
    found = _LOOSE.fullmatch(text.strip())
    return f"{found[1]}T{found[2]:0>2}{''.join(found[3].split())}" if found else text.strip()


def read_moment(text: str, tz: ZoneInfo, *, whole_day: bool = False, where: str | None = None) -> datetime | None:
    """The UTC moment that an ISO 8601 text means; None when the text is no time.

    A text without an offset is read on the clock of `tz`. A day alone means its beginning; with `whole_day` (for an end
    that includes the day) its last microsecond, as RFC 5545, section 3.3.10, reads an UNTIL that is a DATE. Raises
    InvalidInput for a year that is not one of YEARS.
    """
    written, text = text.strip(), iso_8601(text)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.year in YEARS and day is not None and whole_day:
        return end_of_day(day, tz)
    # An offset moves a moment by less than a day, so a year next to YEARS may still turn out as one of YEARS.
    if moment.tzinfo is None:
        known = moment.year in YEARS
        moment = from_wall_clock(moment, tz) if known else moment
    else:
        known = YEARS[0] - 1 <= moment.year <= YEARS[-1] + 1 and is_in_time(moment, tz)
    if not known:
        raise InvalidInput("time_out_of_range", value=written, first=YEARS[0], last=YEARS[-1], where=where)
    return moment.astimezone(UTC)
