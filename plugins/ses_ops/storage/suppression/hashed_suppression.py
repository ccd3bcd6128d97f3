"""Entries of the suppression list whose address was erased, kept as keyed hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_value, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: The beginning of a hash. No address begins so, because a hash has no @.
ERASED = "erased:"


def erased_address(conn: Connection, address_key: str) -> str:
    """The keyed hash of an address, which is always the same."""
    return str(fetch_value(conn, _SQL["hash_of"], address_key=address_key))


def suppress_erased(conn: Connection, occurrence_id: int, *, sender_domain: str) -> None:
    """Suppress the messages of a new audience whose address is on the list by its hash only."""
    if _anybody(conn):
        execute(conn, _SQL["suppress_messages"], occurrence_id=occurrence_id, sender_domain=sender_domain)


def count_suppressed(conn: Connection, group_id: int, *, sender_domain: str = "") -> int:
    """Number of recipients of a group that are on the list by their hash only, for mail of a sender domain or all."""
    if not _anybody(conn):
        return 0
    return int(fetch_value(conn, _SQL["count_suppressed"], group_id=group_id, sender_domain=sender_domain))


def _anybody(conn: Connection) -> bool:
    """Whether the list has any hash. Nearly always it has none, and then no hash has to be computed."""
    return bool(fetch_value(conn, _SQL["anybody_suppressed"]))
