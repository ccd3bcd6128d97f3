"""Counts of what became of messages, by task, sender domain, day of sending and mailbox provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_ops.storage.named_sql import fetch_all, statements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedbackCounts:
    """Numbers of messages. One message is in one of the first five at most, as what became of it in the end."""

    #: Deferred by the mailbox provider, and nothing further is known.
    deferred: int = 0
    delivered: int = 0
    #: The sending provider did not send it.
    dropped: int = 0
    soft_bounced: int = 0
    hard_bounced: int = 0
    #: Beside the others: a message that was delivered may be complained about, and unsubscribed by.
    complained: int = 0
    unsubscribed: int = 0

    @property
    def bounced(self) -> int:
        """Soft and hard bounces."""
        return self.soft_bounced + self.hard_bounced


def of_task(conn: Connection, task_id: int) -> FeedbackCounts:
    """The counts of a task; zeros while no event has come."""
    return of_tasks(conn, [task_id]).get(task_id, FeedbackCounts())


def of_tasks(conn: Connection, task_ids: Sequence[int]) -> dict[int, FeedbackCounts]:
    """The counts of tasks by their ids; a task without any event is left out."""
    return {
        row.pop("task_id"): FeedbackCounts(**row) for row in fetch_all(conn, _SQL["of_tasks"], task_ids=list(task_ids))
    }


def of_task_by_provider(conn: Connection, task_id: int, *, limit: int = 50) -> list[tuple[str, FeedbackCounts]]:
    """(mailbox provider, counts) of a task, the largest first."""
    return _by("mailbox_provider", fetch_all(conn, _SQL["of_task_by_provider"], task_id=task_id, limit=limit))


def of_domain_by_day(conn: Connection, sender_domain: str, *, since: datetime) -> list[tuple[datetime, FeedbackCounts]]:
    """(start of the quota day on which the messages were sent, counts), oldest first."""
    return _by("sent_day", fetch_all(conn, _SQL["of_domain_by_day"], sender_domain=sender_domain, since=since))


def of_domain_by_provider(
    conn: Connection, sender_domain: str, *, since: datetime, limit: int = 50
) -> list[tuple[str, FeedbackCounts]]:
    """(mailbox provider, counts) of mail that a sender domain sent since a moment, the largest first."""
    asked: dict[str, Any] = {"sender_domain": sender_domain, "since": since, "limit": limit}
    return _by("mailbox_provider", fetch_all(conn, _SQL["of_domain_by_provider"], **asked))


def _by(name: str, rows: list[dict[str, Any]]) -> list[tuple[Any, FeedbackCounts]]:
    return [(row.pop(name), FeedbackCounts(**row)) for row in rows]
