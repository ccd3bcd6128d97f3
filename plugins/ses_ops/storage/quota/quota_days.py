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

#: Number of past quota days that are shown.
HISTORY = 14


@dataclass(frozen=True, kw_only=True, slots=True)
class DayUse:
    """The numbers of messages that a quota day has been charged with."""

    #: Messages that runs have reserved and not returned yet.
    reserved: int = 0
    #: Messages that were sent, or are in doubt.
    used: int = 0
    #: Of both, those of single messages.
    single: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedDay:
    """A quota day whose row is locked."""

    id: int
    reserved: int
    used: int
    single: int
    #: The moment, by the database's clock, at which the row was locked.
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PastDay:
    """A quota day on a page."""

    number: int
    starts_at: datetime
    ends_at: datetime
    allotment: int
    reserved: int
    used: int
    #: Of both, those of single messages.
    single: int = 0


def lock_day(conn: Connection, domain: str, day: QuotaDay) -> LockedDay:
    """Lock the row of a quota day, made at its first use, and write the plan's present allotment."""
    values = {**_slot(domain, day), "number": day.number, "allotment": day.allotment}
    execute(conn, _SQL["ensure_day"], **values)
    locked = fetch_row(conn, LockedDay, _SQL["lock_day"], **values)
    assert locked is not None
    return locked


def use_of(conn: Connection, domain: str, day: QuotaDay) -> DayUse:
    """The charges of a quota day; zero when it has no row yet."""
    return fetch_row(conn, DayUse, _SQL["day"], **_slot(domain, day)) or DayUse()


def use_beside(conn: Connection, domain: str, day: QuotaDay) -> DayUse:
    """The charges of other days that overlap a quota day: those of the plan before an edit."""
    return fetch_row(conn, DayUse, _SQL["used_beside"], **_slot(domain, day)) or DayUse()


def sent_in_open_chunks(conn: Connection, domain: str, day: QuotaDay) -> int:
    """Number of the reserved messages that have already been sent."""
    return fetch_value(conn, _SQL["sent_in_open_chunks"], domain=domain, starts_at=day.starts_at) or 0


def add_reservation(conn: Connection, *, day_id: int, count: int) -> None:
    """Charge a quota day with messages that a run reserves. The caller holds the day's row."""
    execute(conn, _SQL["add_reservation"], id=day_id, count=count)


def history(conn: Connection, domain: str, *, limit: int = HISTORY) -> list[PastDay]:
    """The quota days of a domain, newest first."""
    return fetch_rows(conn, PastDay, _SQL["history"], domain=domain, limit=limit)


def _slot(domain: str, day: QuotaDay) -> dict[str, Any]:
    return {"domain": domain, "starts_at": day.starts_at, "ends_at": day.ends_at}
