"""Sender domains: the quota that each has today, and the mail that waits for it.

Looking at them (`today`, `cached_mail`) locks nothing and makes no row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_ops.domain.forecast import Waiting
from ses_ops.domain.message_state import MessageStatus
from ses_ops.domain.warmup import QuotaDay, WarmupPlan, quota_day
from ses_ops.storage.connection import database_now
from ses_ops.storage.named_sql import execute, fetch_rows, fetch_value, fetch_values, statements
from ses_ops.storage.quota import quota_days

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


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
    return fetch_values(conn, _SQL["domains"])


def lock_domain(conn: Connection, domain: str) -> None:
    """Lock the row of a sender domain, making it at its first use."""
    execute(conn, _SQL["ensure_domain"], domain=domain)
    execute(conn, _SQL["lock_domain"], domain=domain)


def today(conn: Connection, plan: WarmupPlan) -> QuotaToday:
    """Where a domain's quota day stands; raises QuotaError before the warm-up has begun."""
    now = database_now(conn)
    began = rehearsal_began_at(conn, plan)
    day = quota_day(plan, now, rehearsal_began_at=began)
    use = quota_days.use_of(conn, plan.domain, day)
    beside = quota_days.use_beside(conn, plan.domain, day)
    under_way = quota_days.sent_in_open_chunks(conn, plan.domain, day)
    return QuotaToday(
        plan=plan,
        day=day,
        used=use.used + beside.used + under_way,
        reserved=max(0, use.reserved - under_way) + beside.reserved,
        rehearsal_began_at=began,
        now=now,
    )


def rehearsal_began_at(conn: Connection, plan: WarmupPlan) -> datetime | None:
    """The first use of a rehearsal that names only a date."""
    if not plan.rehearsal_counts_from_first_use:
        return None
    began: datetime | None = fetch_value(conn, _SQL["rehearsal_began_at"], domain=plan.domain, key=plan.rehearsal_key)
    return began


def begin_rehearsal(conn: Connection, plan: WarmupPlan) -> datetime | None:
    """The same; the first call of all is that use. The caller holds the domain's row."""
    if not plan.rehearsal_counts_from_first_use:
        return None
    began: datetime | None = fetch_value(conn, _SQL["begin_rehearsal"], domain=plan.domain, key=plan.rehearsal_key)
    return began


def backlog(conn: Connection, domain: str) -> list[Waiting]:
    """What of a domain waits for quota, in the order of service, cached and frozen but never yet cached alike."""
    waiting = [one for one in cached_mail(conn, domain) if not one.reserved]
    return [Waiting(task=one.task, count=one.count, due_at=one.due_at) for one in waiting]


def cached_mail(conn: Connection, domain: str) -> list[CachedMail]:
    """All that waits, with what a person has to act on."""
    return fetch_rows(conn, _cached_mail, _SQL["backlog"], domain=domain)


def _cached_mail(*, standing: str, **columns: Any) -> CachedMail:
    return CachedMail(standing=MessageStatus(standing), **columns)
