"""Statistics of mail: by day, sender domain, task and mailbox provider; two tasks side by side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from ses_ops.application.quota_status import known_domains
from ses_ops.domain.clock import from_wall_clock, to_wall_clock, zone
from ses_ops.domain.mail_statistics import Dimension, MailCounts, StatisticsRow
from ses_ops.errors import InvalidInput, QuotaError
from ses_ops.storage.connection import database_now
from ses_ops.storage.events import feeds
from ses_ops.storage.statistics import links, sums

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.mail_statistics import MailKind
    from ses_ops.domain.warmup import QuotaPlans
    from ses_ops.storage.statistics.links import HourOfEngagement, LinkClicks

#: Days that are looked at unless others are asked for, and at most.
DAYS, MOST_DAYS = 30, 366
#: The longest list of rows: a longer one is for a narrower question.
MOST_ROWS = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """Rows, the sum of all mail they are of, and what was asked."""

    rows: tuple[StatisticsRow, ...]
    total: MailCounts
    #: The first and the last day, both included; each in the time zone of its sender domain.
    first: date
    last: date
    #: Sender domain to the IANA name of the zone of its days.
    zones: dict[str, str]
    #: The feeds that were heard in this time.
    feeds: tuple[str, ...]
    #: Whether there were more rows than are given.
    cut: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """The tasks that are asked for."""

    task_ids: Collection[int] | None
    hidden: Collection[str]
    hidden_ids: Collection[int]
    kind: MailKind | None


def statistics(
    conn: Connection,
    plans: QuotaPlans,
    *,
    by: Collection[Dimension],
    days: int = DAYS,
    last: date | None = None,
    sender_domain: str | None = None,
    sender_domains: Collection[str] | None = None,
    task_ids: Collection[int] | None = None,
    hidden: Collection[str] = (),
    hidden_ids: Collection[int] = (),
    kind: MailKind | None = None,
) -> Statistics:
    """Sums of mail by day of sending over `days` days up to `last` (default: today); test sends are left out.

    Of one sender domain, of some (who asks may see no others), or of all. `kind`: only bulk mail, or only trigger mail.
    Raises InvalidInput for a number of days that is not 1 to MOST_DAYS.
    """
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInput("statistics_days", days=days, most=MOST_DAYS)
    chosen = sender_domains if sender_domain is None else [sender_domain]
    zones = zones_of(plans, known_domains(conn, plans) if chosen is None else sorted(chosen))
    end = last or max(to_wall_clock(database_now(conn), zone(name)).date() for name in {"UTC", *zones.values()})
    first = end - timedelta(days=days - 1)
    asked = _Asked(task_ids=task_ids, hidden=hidden, hidden_ids=hidden_ids, kind=kind)
    rows = _of_days(conn, zones, by, first, end, limit=MOST_ROWS + 1, asked=asked)
    cut = len(rows) > MOST_ROWS
    summed = _of_days(conn, zones, (), first, end, limit=1, asked=asked) if cut else rows
    return Statistics(
        rows=tuple(rows[:MOST_ROWS]),
        total=sum((row.counts for row in summed), MailCounts()),
        first=first,
        last=end,
        zones=zones,
        feeds=_feeds(conn, first),
        cut=cut,
    )


def zones_of(plans: QuotaPlans, domains: Sequence[str]) -> dict[str, str]:
    """The time zone of each domain's days; UTC of a domain without a valid plan."""
    found: dict[str, str] = {}
    for domain in domains:
        try:
            found[domain] = plans[domain].time_zone
        except (InvalidInput, QuotaError):
            found[domain] = "UTC"
    return found


def _feeds(conn: Connection, first: date) -> tuple[str, ...]:
    began = datetime.combine(first, time(), UTC)
    return tuple(feed.source for feed in feeds.feeds(conn) if feed.events and feed.last_at >= began)


def links_of_task(conn: Connection, task_id: int) -> list[LinkClicks]:
    """The links of a task's mail with the clicks on each."""
    return links.links_of_task(conn, [task_id])


def hours_of_task(conn: Connection, task_id: int, *, days: int = 14) -> list[HourOfEngagement]:
    """Opens and clicks of a task by hour, of the last days."""
    until = database_now(conn).astimezone(UTC) + timedelta(hours=1)
    return links.hours_of_task(conn, [task_id], since=until - timedelta(days=days), until=until)


def _of_days(
    conn: Connection,
    zones: dict[str, str],
    by: Collection[Dimension],
    first: date,
    end: date,
    *,
    limit: int,
    asked: _Asked,
) -> list[StatisticsRow]:
    """Sums by day in each domain's zone: domains of one zone are one question, as their days begin together."""
    found: list[StatisticsRow] = []
    for name in sorted(set(zones.values())):
        midnight = zone(name)
        found += sums.sums(
            conn,
            sender_domains=[domain for domain, of in zones.items() if of == name],
            time_zone=name,
            by=by,
            since=from_wall_clock(datetime.combine(first, time()), midnight),
            until=from_wall_clock(datetime.combine(end + timedelta(days=1), time()), midnight),
            task_ids=asked.task_ids,
            hidden=asked.hidden,
            hidden_ids=asked.hidden_ids,
            kind=asked.kind,
            limit=limit,
        )
    return _merged(found)


def _merged(rows: Sequence[StatisticsRow]) -> list[StatisticsRow]:
    """Rows of the same values of the dimensions become one: those of domains in several zones."""
    found: dict[tuple[str, str, str, int | None, str, str], StatisticsRow] = {}
    for row in rows:
        key = (row.day, row.sender_domain, row.task, row.task_id, row.mailbox_provider, row.kind)
        before = found.get(key)
        counts = row.counts if before is None else before.counts + row.counts
        found[key] = StatisticsRow(
            day=row.day,
            sender_domain=row.sender_domain,
            task=row.task,
            task_id=row.task_id,
            mailbox_provider=row.mailbox_provider,
            kind=row.kind,
            counts=counts,
        )
    by_size = sorted(found.values(), key=lambda row: (-row.counts.accepted, row.sender_domain, row.task))
    return sorted(by_size, key=lambda row: row.day, reverse=True)
