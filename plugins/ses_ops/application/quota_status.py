"""Quota status of the sender domains: plan, today's use, pending mail, problems."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.domain.forecast import Forecast, PendingMail, forecast
from ses_ops.domain.warmup import QuotaPlans, WarmupPlan
from ses_ops.errors import InvalidInput, QuotaError
from ses_ops.storage.connection import database_now
from ses_ops.storage.quota import sender_domains
from ses_ops.storage.quota.sender_domains import PendingMailOfTask, QuotaToday

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

#: Number of quota days that a page forecasts; mail of later days is shown as "later".
DAYS_AHEAD = 366


@dataclass(frozen=True, kw_only=True, slots=True)
class DomainQuota:
    """The status of one sender domain. Counts are messages."""

    domain: str
    #: The plan; None when the Variable has no valid entry for the domain.
    plan: WarmupPlan | None
    #: The use of today; None without a plan, and before the warm-up has begun.
    today: QuotaToday | None
    problem: InvalidInput | QuotaError | None
    #: Tasks with pending mail, in the order of service.
    waiting: tuple[PendingMailOfTask, ...]
    #: Time of the status by the database's clock.
    now: datetime
    #: The plan with the share of single messages that its keys make, for forecasts.
    shared: WarmupPlan | None = None

    @property
    def not_begun(self) -> bool:
        """Whether the plan is valid and its first day is still to come."""
        return self.plan is not None and self.today is None

    @property
    def backlog(self) -> int:
        """Number of pending messages: cached, retrying and queued."""
        return sum(mail.count for mail in self.waiting)

    @property
    def stopped(self) -> int:
        """Number of pending messages whose task waits for a person."""
        return sum(mail.count for mail in self.waiting if mail.stopped)

    def room_for(self, task: str) -> int:
        """Number of a task's messages that could leave today: the quota left, less other tasks' mail ahead of it."""
        if self.today is None:
            return 0
        others = (mail.count for mail in self.waiting if mail.task != task and not mail.stopped and not mail.reserved)
        return max(0, self.today.left - sum(others))

    def forecast(self) -> Forecast | None:
        """The forecast of the pending messages of all tasks by quota day; None without a plan."""
        if self.plan is None:
            return None
        by_due: dict[datetime | None, int] = {}
        for mail in self.waiting:
            if not mail.stopped and not mail.reserved:
                by_due[mail.due_at] = by_due.get(mail.due_at, 0) + mail.count
        waiting = [PendingMail(task=self.domain, count=count, due_at=due) for due, count in by_due.items()]
        return forecast(
            self.shared or self.plan,
            waiting,
            now=self.now,
            left_today=self.today.left if self.today else None,
            rehearsal_began_at=self.today.rehearsal_began_at if self.today else None,
            reputation=self.today.reputation if self.today else None,
            most_days=DAYS_AHEAD,
        )


def known_domains(conn: Connection, plans: QuotaPlans) -> list[str]:
    """The status of every domain that a task uses, that has sent, or that has an entry in the Variable."""
    return sorted({*sender_domains.domains(conn), *plans.entries})


def domain_quota(conn: Connection, plans: QuotaPlans, domain: str) -> DomainQuota:
    """The status of one domain, known or not."""
    plan = shared = None
    today: QuotaToday | None = None
    problem: InvalidInput | QuotaError | None = None
    try:
        plan = plans[domain]
        shared = sender_domains.with_share(conn, plan)
        today = sender_domains.today(conn, plan)
    except (InvalidInput, QuotaError) as error:
        problem = error
    return DomainQuota(
        domain=domain,
        plan=plan,
        today=today,
        problem=problem,
        waiting=tuple(sender_domains.cached_mail(conn, domain)),
        now=today.now if today else database_now(conn),
        shared=shared,
    )
