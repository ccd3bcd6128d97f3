"""Events of all messages in the order of their arrival, for programs that poll."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import fetch_rows, fetch_value, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: A position before every event.
BEGINNING = (datetime(1970, 1, 1, tzinfo=UTC), "00000000-0000-0000-0000-000000000000")


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrivedEvent:
    """An event with its message, as it is polled."""

    #: The moment of the writing, and the key: together the position in the order of arrival.
    received_at: datetime
    event_key: str
    #: By the clock of the source.
    occurred_at: datetime
    occurrence_id: int
    seq: int
    #: A value of EventKind or EngagementKind.
    kind: str
    hard: bool
    source: str
    #: The source's own word for the kind.
    provider_kind: str
    #: Why, our word; the enhanced status code; the server's words. "": not known.
    reason: str
    status: str
    diagnostic: str
    #: Of an open or a click: `person`, `machine` or `unknown`; else "".
    verdict: str
    #: Of a click: its target.
    link: str
    address: str
    task: str
    task_type: str
    sender_domain: str
    #: Of a single message: its id, its reference, the key that asked for it, its tags.
    message_id: str | None
    reference: str | None
    key_id: str | None
    tags: list[str]

    @property
    def position(self) -> tuple[datetime, str]:
        """Where the event stands in the order of arrival."""
        return self.received_at, self.event_key


def settled_until(conn: Connection) -> datetime:
    """The moment before which every event is there: a later look finds no further one before it.

    The caller ends the transaction in which nothing but this was read, or reads with READ COMMITTED: what is read next
    has to have a snapshot that is younger than this moment.
    """
    found: datetime = fetch_value(conn, _SQL["settled_until"])
    return found


def arrived(
    conn: Connection, *, after: tuple[datetime, str] = BEGINNING, until: datetime, window: int
) -> list[ArrivedEvent]:
    """The first `window` events after a position and before a moment, in the order of their arrival."""
    return fetch_rows(
        conn, ArrivedEvent, _SQL["arrived"], after=after[0], after_key=after[1], until=until, window=window
    )
