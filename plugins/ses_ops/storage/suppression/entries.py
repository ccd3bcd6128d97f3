"""The suppression list: addresses that get no mail, for ever or until a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ses_ops.domain.suppression import SuppressionReason
from ses_ops.errors import NotFound
from ses_ops.storage.copy_rows import copy_in, copy_text
from ses_ops.storage.like_pattern import containing
from ses_ops.storage.named_sql import execute, fetch_all, fetch_one, statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.address import Address

#: Entries that a list counts and can be turned to; past them a search is the way.
MOST_LISTED = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppression:
    """An entry of the list."""

    address: str
    reason: SuppressionReason
    note: str
    created_at: datetime
    #: None: for ever.
    expires_at: datetime | None
    #: Who put it there; empty when nobody was noted.
    added_by: str


class NewSuppression(NamedTuple):
    """An entry to be, with the line of the file that it stands on."""

    line: int
    address: str
    key: str
    reason: SuppressionReason
    note: str
    expires_at: datetime | None


def add(
    conn: Connection,
    address: Address,
    *,
    reason: SuppressionReason,
    note: str,
    expires_at: datetime | None,
    added_by: str = "",
) -> bool:
    """Put an address on the list; False when it is there already for at least as long (then nothing changes)."""
    values = {"address_key": address.key, "address": address.address, "note": note, "expires_at": expires_at}
    return execute(conn, "entries", "add", **values, reason=reason.value, added_by=added_by) > 0


def find(conn: Connection, key: str) -> Suppression | None:
    """The entry of an address, expired or not."""
    row = fetch_one(conn, "entries", "find", address_key=key)
    return None if row is None else Suppression(**{**row, "reason": SuppressionReason(row["reason"])})


def remove(conn: Connection, address: Address) -> None:
    """Take an address off the list; raises NotFound."""
    if not execute(conn, "entries", "remove", address_key=address.key):
        raise NotFound("suppressed address", address.address)


def entries(conn: Connection, *, search: str | None = None, limit: int | None = None) -> list[dict[str, object]]:
    """The list, newest first, as rows: address, reason, note, created_at, expires_at, added_by, expired."""
    return fetch_all(conn, "entries", "entries", search=_containing(search), reason=None, limit=limit)


def page(
    conn: Connection, *, search: str | None, reason: str | None, offset: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """A part of the list as rows like those of `entries`, and how many fit, MOST_LISTED + 1 at most."""
    rows = fetch_all(
        conn,
        "entries",
        "page",
        search=_containing(search),
        reason=reason,
        most=MOST_LISTED + 1,
        offset=min(offset, MOST_LISTED),
        limit=limit,
    )
    return rows, rows[0]["total"] if rows else 0


def stream(conn: Connection, *, search: str | None, reason: str | None) -> Iterator[tuple[Any, ...]]:
    """All entries that fit, newest first, as tuples in the order of `entries`, without holding them in memory."""
    with conn.cursor(name="suppression_export") as cursor:
        cursor.itersize = 5000
        values = {"search": _containing(search), "reason": reason, "limit": None}
        cursor.execute(statements("entries")["entries"], values)
        yield from cursor


def add_all(conn: Connection, rows: Iterable[NewSuppression], *, added_by: str = "") -> tuple[int, int]:
    """Stream entries in, in the caller's transaction; returns (rows read, addresses new or made to last longer)."""
    execute(conn, "bulk", "make_stage")
    lines = (
        f"{row.line}\t{copy_text(row.address)}\t{copy_text(row.key)}\t{row.reason.value}\t{copy_text(row.note)}\t"
        f"{row.expires_at.isoformat() if row.expires_at else chr(92) + 'N'}\n"
        for row in rows
    )
    staged = copy_in(conn, statements("bulk")["copy_stage"], lines)
    return staged, execute(conn, "bulk", "add_stage", added_by=added_by)


def _containing(search: str | None) -> list[str] | None:
    """The patterns of keys that have a text in them; None for all."""
    return containing(search) if search else None
