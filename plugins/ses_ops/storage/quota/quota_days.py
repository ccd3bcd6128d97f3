"""Quota days: how many messages of a sender domain are reserved and used on each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_ops.storage.named_sql import execute, fetch_row, fetch_rows, fetch_value, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.warmup import QuotaDay

_SQL = statements(__file__)

#: Quota days of the past that are shown.
HISTORY = 14


@dataclass(frozen=True, kw_only=True, slots=True)
class DayUse:
    """Messages that a quota day has been charged with."""

    #: Reserved by runs and not given back yet.
    reserved: int = 0
    #: Sent, or in doubt.
    used: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedDay:
    """A quota day under its row lock."""

    id: int
    reserved: int
    used: int
    #: The moment by the database's clock when the lock was there.
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PastDay:
    """A quota day as a person looks at it."""

    number: int
    starts_at: datetime
    ends_at: datetime
    allotment: int
    reserved: int
    used: int


def lock_day(conn: Connection, domain: str, day: QuotaDay) -> LockedDay:
    """Lock the row of a quota day, making it at its first use, and give it the allotment that the plan has now."""
    values = {**_slot(domain, day), "number": day.number, "allotment": day.allotment}
    execute(conn, _SQL["ensure_day"], **values)
    locked = fetch_row(conn, LockedDay, _SQL["lock_day"], **values)
    assert locked is not None
    return locked


def use_of(conn: Connection, domain: str, day: QuotaDay) -> DayUse:
    """What a quota day has been charged with; nothing when it has no row yet."""
    return fetch_row(conn, DayUse, _SQL["day"], **_slot(domain, day)) or DayUse()


def use_beside(conn: Connection, domain: str, day: QuotaDay) -> DayUse:
    """What the days that overlap a quota day have been charged with: those of a plan before it was edited."""
    return fetch_row(conn, DayUse, _SQL["used_beside"], **_slot(domain, day)) or DayUse()


def sent_in_open_chunks(conn: Connection, domain: str, day: QuotaDay) -> int:
    """Messages of the reserved ones that have already left."""
    return fetch_value(conn, _SQL["sent_in_open_chunks"], domain=domain, starts_at=day.starts_at) or 0


def add_reservation(conn: Connection, *, day_id: int, count: int) -> None:
    """Charge a quota day with messages that a run reserves. The caller holds the day's row."""
    execute(conn, _SQL["add_reservation"], id=day_id, count=count)


def history(conn: Connection, domain: str, *, limit: int = HISTORY) -> list[PastDay]:
    """The quota days of a domain, newest first."""
    return fetch_rows(conn, PastDay, _SQL["history"], domain=domain, limit=limit)


def _slot(domain: str, day: QuotaDay) -> dict[str, Any]:
    return {"domain": domain, "starts_at": day.starts_at, "ends_at": day.ends_at}
