"""The feeds that events come from: what each has brought, and what was refused at its door."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, explained, fetch_rows, fetch_value, statements

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.errors import Explanation

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class EventFeed:
    """A feed."""

    source: str
    #: By the clock of the database: the first and the last time that it brought anything.
    first_at: datetime
    last_at: datetime
    #: Number of events that were new, and of events that were there already.
    events: int
    repetitions: int
    #: Number of events that found no message or were not understood, also those that a person has closed.
    unmatched: int
    #: Number of requests that were refused at its door; when and why the last one (a sentence that knows its code).
    refused: int
    last_refused_at: datetime | None
    last_refusal: str | None


@dataclass(kw_only=True, slots=True)
class Brought:
    """What a feed has brought in one transaction."""

    events: int = 0
    repetitions: int = 0
    unmatched: int = 0


def add(conn: Connection, brought: Mapping[str, Brought]) -> None:
    """Add to what feeds have brought. The last statement of a transaction: all writers meet at these rows."""
    rows = [
        {"source": source, "events": one.events, "repetitions": one.repetitions, "unmatched": one.unmatched}
        for source, one in brought.items()
    ]
    execute(conn, _SQL["add"], feeds=json.dumps(rows))


def note_refused(conn: Connection, source: str, why: Explanation) -> None:
    """Note that a request was refused at the door of a feed."""
    execute(conn, _SQL["note_refused"], source=source, **explained(last_refusal=why.sentence))


def feeds(conn: Connection) -> list[EventFeed]:
    """All feeds that ever brought anything, by name."""
    return fetch_rows(conn, EventFeed, _SQL["feeds"])


def sent_since(conn: Connection, since: datetime) -> int:
    """Number of messages, without test sends, that servers accepted in attempts that began since."""
    return int(fetch_value(conn, _SQL["sent_since"], since=since))
