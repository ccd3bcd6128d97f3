"""Why mail waits for the quota of its sender domain, and what makes it leave within the day.

After a raise of the level mail that was cached for lack of quota today is due; a block holds what was reserved and
not begun.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.domain.allowance import LimitedBy
from ses_ops.domain.clock import END_OF_TIME, to_wall_clock, zone
from ses_ops.domain.warmup import QuotaDay, WarmupPlan, resume_at
from ses_ops.errors import Explanation, NotFound, QuotaError
from ses_ops.sending.release import release_at
from ses_ops.storage.connection import database_now, transaction
from ses_ops.storage.ledger import waiting
from ses_ops.storage.quota import sender_domains
from ses_ops.storage.reputation import states
from ses_ops.storage.tasks import send_tasks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.allowance import Allowance
    from ses_ops.storage.quota.sender_domains import QuotaToday


def why_it_waits(plan: WarmupPlan, day: QuotaDay, allowance: Allowance) -> Explanation:
    """Why mail of a domain waits for another day: the day's quota is used up, or the domain is blocked."""
    used_up = Explanation("quota_used_up", quota=day.allotment, domain=plan.domain)
    return why_blocked(plan, allowance) or used_up


def why_blocked(plan: WarmupPlan, allowance: Allowance) -> Explanation | None:
    """Until when a domain is blocked, and why; None when it is not."""
    if allowance.limited_by is not LimitedBy.BLOCK or allowance.blocked_until is None:
        return None
    why = allowance.blocked_why or ""
    if allowance.blocked_until >= END_OF_TIME:
        return Explanation("sender_domain_blocked_for_good", domain=plan.domain, why=why)
    shown = to_wall_clock(allowance.blocked_until, zone(plan.time_zone))
    until = f"{shown:%H:%M:%S}" if plan.is_rehearsal else f"{shown:%Y-%m-%d %H:%M}"
    return Explanation("sender_domain_blocked", domain=plan.domain, until=f"{until} {plan.time_zone}", why=why)


def hold_if_blocked(conn: Connection, chunk_id: int, *, run_id: str, plan: WarmupPlan) -> str | None:
    """Put a reserved chunk back into the cache when its domain is blocked; the reason, or None when it may be sent.

    What is reserved goes back to the quota day. Raises Conflict while a process sends the chunk.
    """
    with transaction(conn):
        state = states.of_domain(conn, plan.domain)
        if state is None or not state.blocked_at(database_now(conn)):
            return None  # one look for each chunk
        try:
            today = sender_domains.today(conn, plan)
        except QuotaError:  # an edit has moved the begin of the warm-up; what is reserved may leave
            return None
    if today.allowance.limited_by is not LimitedBy.BLOCK:
        return None
    reason = why_it_waits(plan, today.day, today.allowance).sentence
    release_at(conn, chunk_id, run_id=run_id, reason=reason, due_at=resume_at(plan, today.now, today.day))
    return reason


def go_on_within_the_day(conn: Connection, plan: WarmupPlan) -> list[str]:
    """Let mail go on whose reason to wait is over, and say the present one where it is not.

    Returns the names of the tasks that need a run now. Depends only on what is stored, so it may be repeated, and a
    call that was lost is made up by the next one. Each task is a transaction: its row is locked first, as by reserving.
    """
    with transaction(conn):
        try:
            today = sender_domains.today(conn, plan)
        except QuotaError:
            return []
        codes = waiting.WAITING
        names = waiting.tasks_waiting(conn, plan.domain, codes=codes)
    return [name for name in names if _go_on(conn, plan, today, name)]


def _go_on(conn: Connection, plan: WarmupPlan, today: QuotaToday, name: str) -> bool:
    why = why_it_waits(plan, today.day, today.allowance).sentence
    blocked = today.allowance.limited_by is LimitedBy.BLOCK
    try:
        with transaction(conn):
            task = send_tasks.lock_row(conn, name)
            if blocked or not today.left:
                codes = waiting.WAITING if blocked else waiting.BLOCKED
                waiting.note_why(conn, task_id=task.id, domain=plan.domain, codes=codes, reason=why)
                return False
            quota = today.day.allotment
            made_due = waiting.go_on(
                conn,
                task_id=task.id,
                domain=plan.domain,
                now=today.now,
                ends_at=today.day.ends_at,
                quota=quota,
                reason=Explanation("quota_has_risen", domain=plan.domain, quota=quota).sentence,
            )
            return made_due > 0
    except NotFound:
        return False  # deleted meanwhile
