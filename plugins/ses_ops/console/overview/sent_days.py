"""Messages sent by day, in the time zone of each domain's plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from ses_ops.domain.clock import to_wall_clock, zone

if TYPE_CHECKING:
    from ses_ops.storage.ledger.activity import SentQuarter

DAYS = 30


@dataclass(frozen=True, kw_only=True)
class DaySent:
    """One day. Counts are messages."""

    day: date
    sent: int
    failed: int
    today: bool


def by_day(sent: Sequence[SentQuarter], *, zones: Mapping[str, str], now: datetime) -> list[DaySent]:
    """The last DAYS days up to today, without a gap; mail of a domain without a plan counts in UTC.

    Today is the latest date in any of the zones: a new day in Tokyo is shown while UTC still has the day before.
    """
    found: dict[date, tuple[int, int]] = {}
    for part in sent:
        day = _date(part.began_at, zones.get(part.domain, "UTC"))
        before = found.get(day, (0, 0))
        found[day] = (before[0] + part.sent, before[1] + part.failed)
    today = max(_date(now, name) for name in {"UTC", *zones.values()})
    days = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    counts = [(day, *found.get(day, (0, 0))) for day in days]
    return [DaySent(day=day, sent=good, failed=bad, today=day == today) for day, good, bad in counts]


def _date(moment: datetime, zone_name: str) -> date:
    return to_wall_clock(moment, zone(zone_name)).date()
