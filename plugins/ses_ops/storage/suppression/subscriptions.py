"""The bulk mail of one sender domain, as the list of suppressed addresses has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import fetch_value, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


def has_left(conn: Connection, address_key: str, sender_domain: str) -> bool:
    """Whether an address has left the bulk mail of a sender domain."""
    return bool(fetch_value(conn, _SQL["has_left"], address_key=address_key, sender_domain=sender_domain))
