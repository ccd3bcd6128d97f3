"""Sender domains: today's quota of each, and the mail that waits for quota.

Reading (`today`, `cached_mail`) locks no row and makes none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_ops.domain.allowance import Allowance, allowed
from ses_ops.domain.forecast import PendingMail
from ses_ops.domain.mail_tracking import Tracking
from ses_ops.domain.message_state import MessageStatus
from ses_ops.domain.plan_fields import USUAL_SHARE
from ses_ops.domain.reputation_state import ReputationState
from ses_ops.domain.warmup import QuotaDay, WarmupPlan, quota_day
from ses_ops.storage.access import api_keys
from ses_ops.storage.connection import database_now
from ses_ops.storage.named_sql import execute, fetch_all, fetch_one, fetch_rows, fetch_value, fetch_values, statements
from ses_ops.storage.quota import quota_days
from ses_ops.storage.reputation import states

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotaToday:
    """The present quota day of a domain. Counts are messages."""

    plan: WarmupPlan
    day: QuotaDay
    #: Messages that were sent, or are in doubt.
    used: int
    #: Messages that runs have reserved and not sent yet.
    reserved: int
    rehearsal_began_at: datetime | None
    now: datetime
    #: What is enforced; the allotment of `day` is that of a day without a block.
    allowance: Allowance
    #: The reputation; None before the domain was ever judged.
    reputation: ReputationState | None = None
    #: Of what is used and reserved, single messages.
    single: int = 0

    @property
    def left(self) -> int:
        """What is left for bulk mail."""
        return max(0, self.allowance.quota - self.used - self.reserved - self.set_aside)

    @property
    def set_aside(self) -> int:
        """What is left of the share that bulk mail leaves to single messages."""
        return max(0, self.plan.set_aside(self.allowance.quota) - self.single)


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingMailOfTask:
    """Pending mail of a task: cached by one run, or waiting for its turn."""

    task: str
    count: int
    #: The status: CACHED, RETRYING or QUEUED.
    standing: MessageStatus
    #: Whether quota is reserved for the mail, which then waits for a sender.
    reserved: bool
    #: The earliest moment for sending; None: as soon as a run takes the mail.
    due_at: datetime | None
    #: Whether the task was paused by a person or has an error, so that a person has to act first.
    stopped: bool


def domains(conn: Connection) -> list[str]:
    """Every sender domain that a task uses or that has sent."""
    return fetch_values(conn, _SQL["domains"])


def lock_domain(conn: Connection, domain: str) -> None:
    """Lock the row of a sender domain, made at its first use."""
    execute(conn, _SQL["ensure_domain"], domain=domain)
    execute(conn, _SQL["lock_domain"], domain=domain)


def bounce_domain(conn: Connection, domain: str) -> str | None:
    """The bounce domain of a sender domain; None: bounces go to the sender's own address."""
    found: str | None = fetch_value(conn, _SQL["bounce_domain"], domain=domain)
    return found


def bounce_domains(conn: Connection) -> dict[str, str]:
    """The bounce domain of each sender domain that has one."""
    return {row["domain"]: row["bounce_domain"] for row in fetch_all(conn, _SQL["bounce_domains"])}


def set_bounce_domain(conn: Connection, domain: str, bounce_domain: str | None) -> None:
    """Set or clear the bounce domain. The caller holds the domain's row (`lock_domain`)."""
    execute(conn, _SQL["set_bounce_domain"], domain=domain, bounce_domain=bounce_domain)


def tracking(conn: Connection, domain: str) -> Tracking:
    """Whether opens and clicks of a domain's mail are noticed when a task says nothing."""
    row = fetch_one(conn, _SQL["tracking"], domain=domain)
    return Tracking(**row) if row else Tracking(opens=False, clicks=False)


def trackings(conn: Connection) -> dict[str, Tracking]:
    """What is noticed of the mail of each sender domain that has a row."""
    rows = fetch_all(conn, _SQL["trackings"])
    return {row["domain"]: Tracking(opens=row["opens"], clicks=row["clicks"]) for row in rows}


def set_tracking(conn: Connection, domain: str, chosen: Tracking) -> None:
    """Set what is noticed; None leaves it as it is. The caller holds the domain's row (`lock_domain`)."""
    execute(conn, _SQL["set_tracking"], domain=domain, opens=chosen.opens, clicks=chosen.clicks)


def today(conn: Connection, plan: WarmupPlan) -> QuotaToday:
    """The present quota day of a domain; raises QuotaError before the warm-up has begun."""
    plan = with_share(conn, plan)
    now = database_now(conn)
    began = rehearsal_began_at(conn, plan)
    day, allowance, reputation = enforced_day(conn, plan, now, rehearsal_began_at=began)
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
        allowance=allowance,
        reputation=reputation,
        single=use.single + beside.single,
    )


def with_share(conn: Connection, plan: WarmupPlan) -> WarmupPlan:
    """The plan with its share of single messages, also where its entry names none: API keys name the domain, or not."""
    if plan.trigger_share is not None:
        return plan
    named = plan.domain in api_keys.sending_domains(conn)
    return replace(plan, trigger_share=USUAL_SHARE if named else 0)


def enforced_day(
    conn: Connection, plan: WarmupPlan, now: datetime, *, rehearsal_began_at: datetime | None
) -> tuple[QuotaDay, Allowance, ReputationState | None]:
    """The quota day of `now` with what is enforced on it: the one place where the plan meets the reputation.

    The allotment of the day is the quota without a block. Raises WarmupNotBegun.
    """
    day = quota_day(plan, now, rehearsal_began_at=rehearsal_began_at)
    reputation = states.of_domain(conn, plan.domain)
    allowance = allowed(plan, day, reputation, now=now)
    return replace(day, allotment=allowance.unblocked), allowance, reputation


def rehearsal_began_at(conn: Connection, plan: WarmupPlan) -> datetime | None:
    """The moment of the first use of a rehearsal that names only a date; None before it."""
    if not plan.rehearsal_counts_from_first_use:
        return None
    began: datetime | None = fetch_value(conn, _SQL["rehearsal_began_at"], domain=plan.domain, key=plan.rehearsal_key)
    return began


def rehearsals_began_at(conn: Connection) -> dict[tuple[str, str], datetime]:
    """As `rehearsal_began_at`, of all domains: by domain and key of the rehearsal."""
    rows = fetch_all(conn, _SQL["rehearsals_began_at"])
    return {(row["domain"], row["rehearsal_key"]): row["rehearsal_began_at"] for row in rows}


def begin_rehearsal(conn: Connection, plan: WarmupPlan) -> datetime | None:
    """As `rehearsal_began_at`; the first call is the first use. The caller holds the domain's row."""
    if not plan.rehearsal_counts_from_first_use:
        return None
    began: datetime | None = fetch_value(conn, _SQL["begin_rehearsal"], domain=plan.domain, key=plan.rehearsal_key)
    return began


def backlog(conn: Connection, domain: str) -> list[PendingMail]:
    """The mail of a domain that waits for quota, in the order of service: cached, or frozen and never cached yet."""
    waiting = [one for one in cached_mail(conn, domain) if not one.reserved]
    return [PendingMail(task=one.task, count=one.count, due_at=one.due_at) for one in waiting]


def cached_mail(conn: Connection, domain: str) -> list[PendingMailOfTask]:
    """All pending mail of a domain, also mail on which a person has to act."""
    return fetch_rows(conn, _cached_mail, _SQL["backlog"], domain=domain)


def _cached_mail(*, standing: str, **columns: Any) -> PendingMailOfTask:
    return PendingMailOfTask(standing=MessageStatus(standing), **columns)
