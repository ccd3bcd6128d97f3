"""The unsubscribe link that mail of a sender address has when it does not say so itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_all, fetch_row, fetch_value, statements

if TYPE_CHECKING:
    from collections.abc import Collection

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class UnsubscribeConfig:
    """What was set for a sender address."""

    address: str
    #: The number of a language, as a text.
    config: str
    #: 1: it holds; 0: it does not.
    status: int


def page(
    conn: Connection, *, domains: Collection[str] | None, offset: int, limit: int
) -> tuple[list[UnsubscribeConfig], int]:
    """Those of addresses of these sender domains (None: of all), and their number."""
    asked = None if domains is None else list(domains)
    rows = fetch_all(conn, _SQL["configs"], domains=asked, offset=offset, limit=limit)
    total = rows[0]["total"] if rows else fetch_value(conn, _SQL["count_configs"], domains=asked)
    return [
        UnsubscribeConfig(address=row["address"], config=row["config"], status=row["status"]) for row in rows
    ], total


def find(conn: Connection, address: str) -> UnsubscribeConfig | None:
    """The one of an address; None: there is none."""
    return fetch_row(conn, UnsubscribeConfig, _SQL["config"], address=address)


def add(conn: Connection, address: str, *, config: str, status: int) -> bool:
    """Make one; False when the address has one already."""
    return execute(conn, _SQL["add_config"], address=address, config=config, status=status) > 0


def change(conn: Connection, address: str, *, config: str, status: int) -> bool:
    """Change one; False when the address has none."""
    return execute(conn, _SQL["change_config"], address=address, config=config, status=status) > 0


def remove(conn: Connection, address: str) -> bool:
    """Remove one; False when the address has none."""
    return execute(conn, _SQL["remove_config"], address=address) > 0
