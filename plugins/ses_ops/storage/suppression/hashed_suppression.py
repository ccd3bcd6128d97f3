"""Entries of the suppression list whose address was erased: known by a keyed hash, and still kept to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_one

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

#: What a hash begins with. No address does: it has no @ in it.
ERASED = "erased:"


def erased_address(conn: Connection, address_key: str) -> str:
    """What stands for an address once it is erased; the same each time."""
    row = fetch_one(conn, "erasure", "hash_of", address_key=address_key)
    assert row is not None
    return str(row["person"])


def suppress_erased(conn: Connection, occurrence_id: int) -> None:
    """Of an audience that was just written, suppress those whom the list knows by their hash only."""
    if _anybody(conn):
        execute(conn, "erasure", "suppress_messages", occurrence_id=occurrence_id)


def count_suppressed(conn: Connection, group_id: int) -> int:
    """Recipients of a group whom the list knows by their hash only."""
    if not _anybody(conn):
        return 0
    row = fetch_one(conn, "erasure", "count_suppressed", group_id=group_id)
    return int(row["count"]) if row else 0


def _anybody(conn: Connection) -> bool:
    """Nearly always there is nobody, and then nobody pays for a hash."""
    row = fetch_one(conn, "erasure", "anybody_suppressed")
    return bool(row and row["found"])
