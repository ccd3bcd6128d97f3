"""Cached mail that waits for the quota of its sender domain: found by its reason, hurried, or counted as failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, explained, fetch_values, statements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: Codes of the reasons with which mail waits for another quota day.
USED_UP = "quota_used_up"
BLOCKED = ("sender_domain_blocked", "sender_domain_blocked_for_good")
WAITING = (USED_UP, *BLOCKED)


def tasks_waiting(conn: Connection, domain: str, *, codes: Sequence[str] = WAITING) -> list[str]:
    """The names of a domain's tasks whose cached mail waits with one of these reasons, and for no person."""
    return fetch_values(conn, _SQL["tasks_waiting"], domain=domain, codes=list(codes))


def domains_waiting(conn: Connection) -> list[str]:
    """The sender domains with cached mail that waits for another quota day."""
    return fetch_values(conn, _SQL["domains_waiting"], codes=list(WAITING))


def go_on(
    conn: Connection, *, task_id: int, domain: str, now: datetime, ends_at: datetime, quota: int, reason: str
) -> int:
    """Make a task's mail due that waits for a day after `ends_at` for a reason that is over; the number of its chunks.

    Over is a block, and a quota that was smaller than the present `quota`. The caller holds the row of the task.
    """
    span = {"now": now, "ends_at": ends_at, "quota": quota, "blocked": list(BLOCKED)}
    return execute(conn, _SQL["go_on"], task_id=task_id, domain=domain, **span, **explained(reason=reason))


def note_why(conn: Connection, *, task_id: int, domain: str, codes: Sequence[str], reason: str) -> int:
    """Store another reason with a task's mail that waits with one of some; the number of its chunks."""
    of_task = {"task_id": task_id, "domain": domain, "codes": list(codes)}
    return execute(conn, _SQL["note_why"], **of_task, **explained(reason=reason))


def give_up(conn: Connection, *, task_id: int, domain: str, reason: str) -> int:
    """Count a task's cached messages as failed with a reason; their number. The caller holds the row of the task."""
    return sum(fetch_values(conn, _SQL["give_up"], task_id=task_id, domain=domain, reason=reason))


def tasks_with_cached_mail(conn: Connection, domain: str) -> list[str]:
    """The names of the tasks with mail that waits to be sent from a domain."""
    return fetch_values(conn, _SQL["tasks_with_cached_mail"], domain=domain)
