"""The reputation at work: a domain is judged, and what follows for its waiting mail is done.

Called after each chunk and each run of a send task, and every minute for all domains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.application.judge_reputation import judge_all, judge_domain
from ses_ops.errors import InvalidInput, QuotaError
from ses_ops.sending.waiting_mail import go_on_within_the_day
from ses_ops.storage.connection import transaction
from ses_ops.storage.ledger import waiting
from ses_ops.storage.tasks import send_tasks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.warmup import QuotaPlans, WarmupPlan


def judge_and_go_on(conn: Connection, plans: QuotaPlans, domain: str) -> list[str]:
    """Judge a domain; the names of the tasks whose cached mail may go on because of that, and needs a run now.

    Does nothing for a domain that follows its calendar alone.
    """
    plan = _led(plans, domain)
    if plan is None or not judge(conn, plan):
        return []
    return go_on_within_the_day(conn, plan)


def judge_after_chunk(conn: Connection, plans: QuotaPlans, chunk_id: int) -> None:
    """Judge the domain of a chunk that was sent, so that the next chunk of a bad list is held.

    Its waiting mail follows when the run is settled.
    """
    with transaction(conn):
        task = send_tasks.of_chunk(conn, chunk_id=chunk_id)
    plan = None if task is None else _led(plans, task.sender_domain)
    if plan is not None:
        judge(conn, plan)


def judge_all_and_go_on(conn: Connection, plans: QuotaPlans) -> list[str]:
    """Judge every domain, days that nobody judged one by one; the names of the tasks that need a run now."""
    judge_all(conn, plans)
    with transaction(conn):
        domains = waiting.domains_waiting(conn)
    led = [plan for domain in domains if (plan := _led(plans, domain)) is not None]
    return [name for plan in led for name in go_on_within_the_day(conn, plan)]


def judge(conn: Connection, plan: WarmupPlan) -> bool:
    """Judge a domain; False before its warm-up has begun."""
    try:
        judge_domain(conn, plan)
    except QuotaError:
        return False
    return True


def _led(plans: QuotaPlans, domain: str) -> WarmupPlan | None:
    """The plan of a domain in which the reputation takes part."""
    try:
        plan = plans[domain]
    except (InvalidInput, QuotaError):
        return None
    return plan if plan.reputation is not None else None
