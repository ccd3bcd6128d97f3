"""What the page of the feeds reads: events that found no message, held suppressions, how much was sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.errors import NotFound
from ses_ops.storage.named_sql import execute, fetch_one, fetch_rows, fetch_value, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: Largest number of unmatched events that are counted.
MOST_COUNTED = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class UnmatchedEvent:
    """Something that came and could not be understood, or found no message."""

    id: int
    source: str
    source_id: str
    received_at: datetime
    kind: str | None
    why: str
    #: Number of octets of its source.
    size: int
    closed_at: datetime | None
    closed_by: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldSuppressions:
    """The entries of one mailbox provider that the storm guard holds back."""

    mailbox_provider: str
    reason: str
    count: int
    first_at: datetime
    last_at: datetime
    #: At most three addresses, and the words of one event.
    addresses: list[str]
    note: str


def sent_since(conn: Connection, since: datetime) -> int:
    """Number of messages, without test sends, that servers accepted in attempts that began since."""
    return int(fetch_value(conn, _SQL["sent_since"], since=since))


def unmatched(conn: Connection, *, source: str | None = None, offset: int = 0, limit: int) -> list[UnmatchedEvent]:
    """The events that no person has closed, the newest first."""
    return fetch_rows(conn, UnmatchedEvent, _SQL["unmatched"], source=source, offset=offset, limit=limit)


def count_unmatched(conn: Connection, *, source: str | None = None) -> int:
    """Number of unmatched events that wait for a person, at most MOST_COUNTED + 1."""
    return int(fetch_value(conn, _SQL["count_unmatched"], source=source, most=MOST_COUNTED + 1))


def one_unmatched(conn: Connection, id: int) -> tuple[UnmatchedEvent, bytes]:
    """An unmatched event, done with or not, and its source. Raises NotFound."""
    row = fetch_one(conn, _SQL["one_unmatched"], id=id)
    if row is None:
        raise NotFound("unmatched event", str(id))
    raw = bytes(row.pop("raw"))
    return UnmatchedEvent(**row), raw


def close(conn: Connection, ids: Sequence[int], *, by: str) -> int:
    """Mark unmatched events as done; the number of those that were open."""
    return execute(conn, _SQL["close"], ids=list(ids), by=by)


def held(conn: Connection) -> list[HeldSuppressions]:
    """What the storm guard holds back, by mailbox provider and reason, the most first."""
    return fetch_rows(conn, HeldSuppressions, _SQL["held"])
