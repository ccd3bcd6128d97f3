"""Events that wait to be posted to endpoints.

An event enters in the transaction that records it, so neither is there without the other. A deliverer takes events for
a lease; one that dies loses nothing, because its leases end. What is posted twice has the same id.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from ses_ops.storage.named_sql import execute, fetch_all, fetch_value, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


class CallbackEvent(NamedTuple):
    """A new event of a message, by its key in `message_event` or `engagement`."""

    event_key: str
    occurred_at: datetime
    occurrence_id: int
    seq: int
    #: A value of CallbackKind.
    kind: str
    sender_domain: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """An event that a deliverer has for the length of its lease."""

    id: int
    #: The id of the post, the same at every try.
    event_key: str
    occurred_at: datetime
    occurrence_id: int
    seq: int
    kind: str
    entered_at: datetime
    lease: int
    #: Number of tries that have failed.
    tries: int


class Ended(NamedTuple):
    """The end of an event at an endpoint."""

    id: int
    lease: int
    #: `delivered`, `failed` or `gone`.
    outcome: str
    status: int | None
    answer: str
    took_ms: int


class Failed(NamedTuple):
    """A try that failed, and the seconds until the next."""

    id: int
    lease: int
    after: float
    #: 1 when the try counts, else 0.
    tried: int
    status: int | None
    answer: str


def enqueue(conn: Connection, events: Sequence[CallbackEvent]) -> int:
    """Have new events posted to the endpoints that want them, in the caller's transaction; returns their number.

    Events of one message are posted in the order in which they are given, each after the one before.
    """
    if not events or not _any_endpoint(conn):
        return 0
    rows = [
        {**one._asdict(), "occurred_at": one.occurred_at.isoformat(), "place": place}
        for place, one in enumerate(events)
    ]
    return execute(conn, _SQL["enqueue"], events=json.dumps(rows))


def enqueue_refused(conn: Connection, *, attempt_id: int) -> int:
    """Have the refusals of an attempt posted, in the transaction that writes its end. Safe to repeat."""
    return execute(conn, _SQL["enqueue_refused"], attempt_id=attempt_id) if _any_endpoint(conn) else 0


def _any_endpoint(conn: Connection) -> bool:
    """Whether anybody wants events: nearly always nobody does, and then an event costs no more than this."""
    return bool(fetch_value(conn, _SQL["any_endpoint"]))


def enqueue_test(conn: Connection, *, endpoint_id: int) -> str:
    """Have a test event posted to an endpoint; returns the id of the post."""
    return str(fetch_value(conn, _SQL["enqueue_test"], endpoint_id=endpoint_id))


def claim(conn: Connection, *, endpoint_id: int, limit: int, lease: timedelta) -> tuple[list[Taken], int]:
    """Take the next events of an endpoint, at most one of each message; then the number of rows looked at."""
    rows = fetch_all(conn, _SQL["claim"], endpoint_id=endpoint_id, limit=limit, lease=lease)
    taken = [Taken(**row) for row in rows if not row.pop("behind")]
    return sorted(taken, key=lambda one: one.id), len(rows)


def give_back(conn: Connection, taken: Sequence[Taken]) -> None:
    """Give back what was taken and not tried."""
    execute(conn, _SQL["give_back"], ids=[one.id for one in taken], leases=[one.lease for one in taken])


def write_ended(conn: Connection, ended: Sequence[Ended]) -> None:
    """Move events to what was posted."""
    execute(conn, _SQL["ended"], ended=json.dumps([one._asdict() for one in ended]))


def write_failed(conn: Connection, failed: Sequence[Failed]) -> None:
    """Write tries that failed; of those whose lease another deliverer has by now, nothing."""
    execute(conn, _SQL["failed"], failed=json.dumps([one._asdict() for one in failed]))


def expire(conn: Connection, *, days: int, limit: int) -> int:
    """Expire events that have waited for `days` days, and those of removed endpoints; returns their number."""
    return int(fetch_value(conn, _SQL["expire"], days=days, limit=limit))
