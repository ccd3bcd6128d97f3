"""Recent activity over all tasks: sent messages and failures.

The numbers are sums of counters, never counts of messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import fetch_all, fetch_one, statements

if TYPE_CHECKING:
    from collections.abc import Collection

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecentFailures:
    """Recently failed messages of a task."""

    task: str
    count: int
    #: The moment of the last attempt at one of them.
    tried_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SentQuarter:
    """The results of a sender domain's attempts within a quarter of an hour. Counts are messages."""

    domain: str
    began_at: datetime
    sent: int
    failed: int


def sent_lately(conn: Connection, *, since: datetime, hidden: Collection[str], tests: bool) -> list[SentQuarter]:
    """The messages sent after `since`, without those of the tasks in `hidden`; `tests`: with test sends."""
    rows = fetch_all(conn, _SQL["sent_lately"], since=since, hidden=list(hidden), tests=tests)
    return [SentQuarter(**row) for row in rows]


def recent_failures(conn: Connection, *, since: datetime) -> list[RecentFailures]:
    """The tasks with failed messages that were last tried after `since`, the latest first."""
    return [RecentFailures(**row) for row in fetch_all(conn, _SQL["recent_failures"], since=since)]


def deleted_tasks(conn: Connection) -> list[str]:
    """The names of deleted tasks."""
    return [row["name"] for row in fetch_all(conn, _SQL["deleted_tasks"])]


def ever_sent_a_test(conn: Connection) -> bool:
    """Whether there was a test send."""
    row = fetch_one(conn, _SQL["ever_sent_a_test"])
    return bool(row and row["found"])
