"""Forecasts: the quota day on which each part of a task leaves.

The mail of other tasks that was cached before leaves first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.domain.forecast import Forecast, PendingMail, forecast
from ses_ops.domain.schedule import TaskType
from ses_ops.domain.task_status import TaskStatus
from ses_ops.errors import QuotaError
from ses_ops.storage.audience import recipients
from ses_ops.storage.connection import database_now
from ses_ops.storage.quota import sender_domains

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.schedule import Schedule
    from ses_ops.domain.warmup import WarmupPlan
    from ses_ops.storage.tasks.overview import TaskOverview


def forecast_of_task(conn: Connection, one: TaskOverview, plan: WarmupPlan) -> Forecast:
    """The forecast of a stored task: its pending mail and its next occurrence."""
    now = database_now(conn)
    return forecast_with(conn, plan, queue_with(conn, plan.domain, to_come(conn, one, now)), now=now)


def queue_with(conn: Connection, domain: str, added: Sequence[PendingMail]) -> list[PendingMail]:
    """The pending mail of a sender domain in the order of service, then `mail` behind it."""
    return [*sender_domains.backlog(conn, domain), *added]


def forecast_with(conn: Connection, plan: WarmupPlan, waiting: Sequence[PendingMail], *, now: datetime) -> Forecast:
    """The forecast of a sender domain for all its pending mail."""
    try:
        today = sender_domains.today(conn, plan)
    except QuotaError:  # the warm-up has not begun
        return forecast(sender_domains.with_share(conn, plan), waiting, now=now, left_today=None)
    return forecast(
        today.plan,
        waiting,
        now=now,
        left_today=today.left,
        rehearsal_began_at=today.rehearsal_began_at,
        reputation=today.reputation,
    )


def to_come(conn: Connection, one: TaskOverview, now: datetime, *, exact_up_to: int | None = None) -> list[PendingMail]:
    """The audience of a task's next occurrence, which is not in the ledger yet.

    Of a group of more than `exact_up_to` recipients all are counted, the suppressed ones too.
    """
    if one.status in (TaskStatus.CANCELLED, TaskStatus.FINISHED):
        return []
    return first_occurrence(
        conn,
        name=one.name,
        group=one.group,
        sender_domain=one.sender_domain,
        schedule=one.schedule,
        begun=one.request_count > 0,
        now=now,
        exact_up_to=exact_up_to,
    )


def first_occurrence(
    conn: Connection,
    *,
    name: str,
    group: str,
    sender_domain: str,
    schedule: Schedule,
    begun: bool,
    now: datetime,
    exact_up_to: int | None = None,
) -> list[PendingMail]:
    """The forecast of a definition, stored or not, for its next occurrence; empty when it has none."""
    next_slot = schedule.next_after(now)
    if schedule.type is not TaskType.RECURRING:
        if begun or schedule.type is TaskType.TRIGGERED:
            return []
        next_slot = next_slot or now
    if next_slot is None:
        return []
    found = recipients.find_group(conn, group)
    exact = exact_up_to is None or found.recipient_count <= exact_up_to
    suppressed = recipients.suppressed_count(conn, found.id, sender_domain=sender_domain) if exact else 0
    return [PendingMail(task=name, count=found.recipient_count - suppressed, due_at=next_slot)]
