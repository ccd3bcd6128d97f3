"""Events that found no message or were not understood, kept whole for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_ops.errors import NotFound
from ses_ops.storage.named_sql import execute, explained, fetch_one, fetch_rows, fetch_value, statements
from ses_ops.storage.stored_moments import LAST

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.engagement import EngagementKind
    from ses_ops.domain.message_event import EventKind
    from ses_ops.errors import Explanation

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class UnmatchedEvent:
    """An event that found no message or was not understood, without its raw text."""

    id: int
    source: str
    source_id: str
    received_at: datetime
    #: Our word for what it tells; None: not understood.
    kind: str | None
    #: A sentence that knows its code.
    why: str
    #: Octets of the raw text.
    size: int
    #: When a person was done with it, and who; None: nobody yet.
    closed_at: datetime | None
    closed_by: str | None


def insert(
    conn: Connection,
    *,
    event_key: str,
    source: str,
    source_id: str,
    kind: EventKind | EngagementKind | None,
    why: Explanation,
    raw: bytes,
) -> bool:
    """Keep an event; False when it is kept already."""
    values = {"event_key": event_key, "source": source, "source_id": source_id, "kind": kind and kind.value}
    return execute(conn, _SQL["insert"], **values, raw=raw, **explained(why=why.sentence)) > 0


def page(
    conn: Connection,
    *,
    source: str | None = None,
    closed: bool = False,
    before: UnmatchedEvent | None = None,
    limit: int = 50,
) -> list[UnmatchedEvent]:
    """Unmatched events, newest first; `closed` also those that a person was done with, `before` the last one shown."""
    at, number = (LAST, 2**62) if before is None else (before.received_at, before.id)
    asked: dict[str, Any] = {"source": source, "closed": closed, "before_at": at, "before_id": number, "limit": limit}
    return fetch_rows(conn, UnmatchedEvent, _SQL["page"], **asked)


def find(conn: Connection, event_id: int) -> tuple[UnmatchedEvent, bytes]:
    """An unmatched event and its raw text; raises NotFound."""
    row = fetch_one(conn, _SQL["one"], id=event_id)
    if row is None:
        raise NotFound("unmatched event", str(event_id))
    raw = bytes(row.pop("raw"))
    return UnmatchedEvent(**row), raw


def count_open(conn: Connection, *, source: str | None = None, most: int = 10_000) -> int:
    """Number of events that wait for a person, counted up to `most` only."""
    return int(fetch_value(conn, _SQL["count_open"], source=source, most=most))


def close(conn: Connection, event_ids: Sequence[int], *, by: str) -> int:
    """Note that a person is done with events; the number of those with which nobody was done before."""
    return execute(conn, _SQL["close"], ids=list(event_ids), by=by)


def forget(conn: Connection, kept_from: date, *, most: int = 5_000) -> int:
    """Delete events that came before a day, decided or not; the number of those deleted, at most `most`."""
    return execute(conn, _SQL["forget"], kept_from=kept_from, most=most)
