"""The monthly partitions of events. What belongs to none, such as an event of 1970, lies in the default partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_value, statements

if TYPE_CHECKING:
    from datetime import date

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: The table whose months these are.
TABLE = "message_event"
#: How long writers are waited for, and so wait themselves; then the month is made another time.
_PATIENCE = "2s"


def is_there(conn: Connection, month: date) -> bool:
    """Whether a month has its partition."""
    return bool(fetch_value(conn, _SQL["there"], month=month))


def make(conn: Connection, month: date) -> bool:
    """Make the partition of a month, in the caller's transaction; False: it is there. Raises when writers keep it."""
    _wait_a_moment(conn)
    return bool(fetch_value(conn, _SQL["make"], month=month))


def drop_before(conn: Connection, kept_from: date) -> int:
    """Drop the partitions of earlier months, and what came before into the default one; returns their number."""
    _wait_a_moment(conn)
    dropped = int(fetch_value(conn, _SQL["drop"], kept_from=kept_from))
    execute(conn, _SQL["clear_odd_dates"], kept_from=kept_from)
    return dropped


def _wait_a_moment(conn: Connection) -> None:
    execute(conn, _SQL["wait_a_moment"], timeout=_PATIENCE)
