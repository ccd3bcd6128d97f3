"""What was posted to endpoints, and posts that are made again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_row, fetch_rows, fetch_value, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class CallbackPost:
    """An event that was posted, or that has expired."""

    endpoint: str
    event_key: str
    occurred_at: datetime
    occurrence_id: int
    seq: int
    kind: str
    entered_at: datetime
    ended_at: datetime
    #: `delivered`, `failed`, `expired` or `gone`.
    outcome: str
    tries: int
    #: The HTTP status of the last try; None without an answer.
    status: int | None
    #: The first characters of the answer, or why there was none.
    answer: str
    took_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Retried:
    """An event that waits for its next try."""

    endpoint: str
    event_key: str
    occurred_at: datetime
    occurrence_id: int
    seq: int
    kind: str
    entered_at: datetime
    next_at: datetime
    tries: int
    status: int | None
    answer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PostOutcome:
    """The end of one post."""

    outcome: str
    status: int | None
    answer: str
    took_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """How the tries of one post went so far."""

    tries: int
    last_status: int | None
    last_answer: str


def deliveries(
    conn: Connection, *, endpoint: str | None = None, not_delivered: bool = False, limit: int
) -> list[CallbackPost]:
    """The last posts, newest first: of one endpoint or of all; only those that failed."""
    return fetch_rows(
        conn, CallbackPost, _SQL["deliveries"], endpoint=endpoint, not_delivered=not_delivered, limit=limit
    )


def retried(conn: Connection, *, endpoint: str | None = None, limit: int) -> list[Retried]:
    """Events that wait after a failed try, the next one first; none that lie behind 2 000 others of their endpoint."""
    return fetch_rows(conn, Retried, _SQL["waiting"], endpoint=endpoint, limit=limit)


def outcome_of(conn: Connection, *, endpoint_id: int, event_key: str) -> PostOutcome | None:
    """The end of a post; None while it waits."""
    return fetch_row(conn, PostOutcome, _SQL["outcome_of"], endpoint_id=endpoint_id, event_key=event_key)


def tried(conn: Connection, *, endpoint_id: int, event_key: str) -> Tried | None:
    """The tries of a post that waits; None when it does not."""
    return fetch_row(conn, Tried, _SQL["tried"], endpoint_id=endpoint_id, event_key=event_key)


def replay(
    conn: Connection,
    *,
    endpoint_id: int,
    event_key: str | None,
    since: datetime,
    until: datetime,
    not_delivered: bool,
) -> int:
    """Post again what was posted or has expired, events of `since` to before `until`; returns their number."""
    return execute(
        conn,
        _SQL["replay"],
        endpoint_id=endpoint_id,
        event_key=event_key,
        since=since,
        until=until,
        not_delivered=not_delivered,
    )


def replay_events(conn: Connection, *, endpoint_id: int, since: datetime, until: datetime) -> int:
    """Post the stored events of `since` to before `until` that an endpoint never had; returns their number."""
    return execute(conn, _SQL["replay_events"], endpoint_id=endpoint_id, since=since, until=until)


def keep_days(conn: Connection, *, days: int) -> int:
    """Make the partitions of this day and the next, drop those of more than `days` days ago; returns their number."""
    changed = int(fetch_value(conn, _SQL["keep_days"], days=days))
    execute(conn, _SQL["clear_default"], days=days)
    return changed
