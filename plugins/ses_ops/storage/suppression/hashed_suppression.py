"""Entries of the suppression list whose address was erased: known by a keyed hash, and still kept to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_value, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: What a hash begins with. No address does: it has no @ in it.
ERASED = "erased:"


def erased_address(conn: Connection, address_key: str) -> str:
    """What stands for an address once it is erased; the same each time."""
    return str(fetch_value(conn, _SQL["hash_of"], address_key=address_key))


def suppress_erased(conn: Connection, occurrence_id: int) -> None:
    """Of an audience that was just written, suppress those whom the list knows by their hash only."""
    if _anybody(conn):
        execute(conn, _SQL["suppress_messages"], occurrence_id=occurrence_id)


def count_suppressed(conn: Connection, group_id: int) -> int:
    """Recipients of a group whom the list knows by their hash only."""
    return fetch_value(conn, _SQL["count_suppressed"], group_id=group_id) if _anybody(conn) else 0


def _anybody(conn: Connection) -> bool:
    """Whether the list knows anybody by a hash. Nearly always it knows nobody, and then nobody pays for a hash."""
    return bool(fetch_value(conn, _SQL["anybody_suppressed"]))
