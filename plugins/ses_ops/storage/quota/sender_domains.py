"""What the quota of a sender domain looks like now: read only, nothing is locked and no row is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_ops.domain.forecast import Waiting
from ses_ops.domain.message_state import MessageStatus
from ses_ops.domain.warmup import QuotaDay, WarmupPlan, quota_day
from ses_ops.storage.named_sql import fetch_all, fetch_one

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

#: Quota days of the past that are shown.
HISTORY = 14


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotaToday:
    """The quota day of a domain that is now. Counts are messages."""

    plan: WarmupPlan
    day: QuotaDay
    #: Sent, or in doubt.
    used: int
    #: Reserved by runs and not yet sent.
    reserved: int
    rehearsal_began_at: datetime | None
    now: datetime

    @property
    def left(self) -> int:
        return max(0, self.day.allotment - self.used - self.reserved)


@dataclass(frozen=True, kw_only=True, slots=True)
class CachedMail:
    """What one run of a task cached, or what waits for its turn."""

    task: str
    count: int
    #: CACHED, RETRYING or QUEUED.
    standing: MessageStatus
    #: It has its part of the quota, and waits for a sender.
    reserved: bool
    #: When it may leave at the earliest; None: as soon as a run takes it.
    due_at: datetime | None
    #: Its task was paused by a person or has an error: a person has to act first.
    stopped: bool


def domains(conn: Connection) -> list[str]:
    """Every sender domain that a task uses or that has sent."""
    return [row["domain"] for row in fetch_all(conn, "quota_days", "domains")]


def today(conn: Connection, plan: WarmupPlan) -> QuotaToday:
    """Where a domain's quota day stands; raises QuotaError before the warm-up has begun."""
    now = database_now(conn)
    began = rehearsal_began_at(conn, plan)
    day = quota_day(plan, now, rehearsal_began_at=began)
    slot = {"domain": plan.domain, "starts_at": day.starts_at, "ends_at": day.ends_at}
    row = fetch_one(conn, "quota_days", "day", **slot) or {"used": 0, "reserved": 0}
    beside = fetch_one(conn, "quota_days", "used_beside", **slot) or {"used": 0, "reserved": 0}
    open_chunks = fetch_one(conn, "quota_days", "sent_in_open_chunks", **slot)
    under_way = next(iter(open_chunks.values())) if open_chunks else 0
    return QuotaToday(
        plan=plan,
        day=day,
        used=row["used"] + beside["used"] + under_way,
        reserved=max(0, row["reserved"] - under_way) + beside["reserved"],
        rehearsal_began_at=began,
        now=now,
    )


def database_now(conn: Connection) -> datetime:
    """The moment by the database's clock: the one clock that all workers share."""
    with conn.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


def rehearsal_began_at(conn: Connection, plan: WarmupPlan) -> datetime | None:
    """The first use of a rehearsal that names only a date."""
    if not plan.rehearsal_counts_from_first_use:
        return None
    row = fetch_one(conn, "quota_days", "rehearsal_began_at", domain=plan.domain, key=plan.rehearsal_key)
    return row["rehearsal_began_at"] if row else None


def backlog(conn: Connection, domain: str) -> list[Waiting]:
    """What of a domain waits for quota, in the order of service, cached and frozen but never yet cached alike."""
    waiting = [one for one in cached_mail(conn, domain) if not one.reserved]
    return [Waiting(task=one.task, count=one.count, due_at=one.due_at) for one in waiting]


def cached_mail(conn: Connection, domain: str) -> list[CachedMail]:
    """All that waits, with what a person has to act on."""
    return [
        CachedMail(
            task=row["task"],
            count=row["pending"],
            standing=MessageStatus(row["standing"]),
            reserved=row["reserved"],
            due_at=row["due_at"],
            stopped=row["stopped"],
        )
        for row in fetch_all(conn, "quota_days", "backlog", domain=domain)
    ]


def history(conn: Connection, domain: str, *, limit: int = HISTORY) -> list[dict[str, Any]]:
    """The quota days of the past, newest first: number, starts_at, ends_at, allotment, reserved, used."""
    return fetch_all(conn, "quota_days", "history", domain=domain, limit=limit)
