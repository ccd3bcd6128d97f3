"""The entries of the suppression list: addresses that get no mail."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ses_ops.domain.suppression import SuppressionReason
from ses_ops.errors import NotFound
from ses_ops.storage.like_pattern import containing
from ses_ops.storage.named_sql import execute, fetch_all, fetch_rows, statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.address import Address

_SQL = statements(__file__)

#: Largest number of entries that a list counts and shows; further entries are found by a search.
MOST_LISTED = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppression:
    """An entry of the list."""

    address: str
    reason: SuppressionReason
    note: str
    created_at: datetime
    #: When the entry expires; None: never.
    expires_at: datetime | None
    #: The person who added the entry; empty when unknown.
    added_by: str
    #: The sender domain whose bulk mail the entry holds for; empty: all mail.
    scope: str = ""
    #: The feed that the entry came from; empty: a person, or the server's answer while sending.
    source: str = ""
    #: Whether the entry has expired.
    expired: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedSuppression:
    """An entry in a list."""

    address: str
    reason: str
    note: str
    created_at: datetime
    expires_at: datetime | None
    added_by: str
    #: Whether the entry has expired, so that the address gets mail again.
    expired: bool
    #: See `Suppression`.
    scope: str
    source: str
    #: The message that the entry was made for, and the name of its task; None: none.
    occurrence_id: int | None
    seq: int | None
    task: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PositionedSuppression(Suppression):
    """An entry of a list that is read page by page."""

    address_key: str

    @property
    def position(self) -> SuppressionPosition:
        """Its place in the list."""
        return SuppressionPosition(self.created_at, self.address_key, self.scope)


class SuppressionPosition(NamedTuple):
    """A place in the list, which is ordered by these: newest first."""

    created_at: datetime
    address_key: str
    scope: str


_LISTED = tuple(column.name for column in fields(ListedSuppression))


def add(
    conn: Connection,
    address: Address,
    *,
    reason: SuppressionReason,
    note: str,
    expires_at: datetime | None,
    added_by: str = "",
) -> bool:
    """Add an address; False, without a change, when the list has it already for at least as long."""
    values = {"address_key": address.key, "address": address.address, "note": note, "expires_at": expires_at}
    return execute(conn, _SQL["add"], **values, reason=reason.value, added_by=added_by) > 0


def find(conn: Connection, key: str, *, scope: str | None = None) -> list[Suppression]:
    """The entries of an address, or the one of a scope, expired or not: first those for all mail."""
    rows = fetch_all(conn, _SQL["find"], address_key=key, scope=scope)
    return [Suppression(**{**row, "reason": SuppressionReason(row["reason"])}) for row in rows]


def remove(conn: Connection, address: Address, *, scope: str | None = None) -> None:
    """Remove the entries of an address, or the one of a scope; raises NotFound."""
    if not execute(conn, _SQL["remove"], address_key=address.key, scope=scope):
        raise NotFound("suppressed address", address.address)


def entries(
    conn: Connection,
    *,
    search: str | None = None,
    reason: str | None = None,
    source: str | None = None,
    limit: int | None = None,
) -> list[ListedSuppression]:
    """The list, newest first."""
    sql, values = _entries(search=search, reason=reason, source=source, limit=limit)
    return fetch_rows(conn, ListedSuppression, sql, **values)


def entries_behind(
    conn: Connection,
    position: SuppressionPosition | None,
    *,
    search: str | None,
    reason: str | None,
    source: str | None,
    scopes: Sequence[str] | None,
    limit: int,
) -> list[PositionedSuppression]:
    """The list from a position on, newest first; of the scopes, None: of all."""
    at, key, scope = position or (None, None, None)
    asked = {"search": _containing(search), "reason": reason, "source": source, "scopes": scopes and list(scopes)}
    rows = fetch_all(conn, _SQL["behind"], **asked, at=at, key=key, scope=scope, limit=limit)
    return [PositionedSuppression(**{**row, "reason": SuppressionReason(row["reason"])}) for row in rows]


def _entries(
    *, search: str | None, reason: str | None, source: str | None, limit: int | None
) -> tuple[str, dict[str, Any]]:
    return _SQL["entries"], {"search": _containing(search), "reason": reason, "source": source, "limit": limit}


def page(
    conn: Connection, *, search: str | None, reason: str | None, source: str | None = None, offset: int, limit: int
) -> tuple[list[ListedSuppression], int]:
    """A part of the list, and the number of matching entries, at most MOST_LISTED + 1."""
    rows = fetch_all(
        conn,
        _SQL["page"],
        search=_containing(search),
        reason=reason,
        source=source,
        most=MOST_LISTED + 1,
        offset=min(offset, MOST_LISTED),
        limit=limit,
    )
    total = rows[0]["total"] if rows else 0
    return [ListedSuppression(**{name: row[name] for name in _LISTED}) for row in rows], total


def stream(
    conn: Connection, *, search: str | None, reason: str | None, source: str | None = None
) -> Iterator[ListedSuppression]:
    """All matching entries, newest first, without keeping them in memory."""
    with conn.cursor(name="suppression_export") as cursor:
        cursor.itersize = 5000
        cursor.execute(*_entries(search=search, reason=reason, source=source, limit=None))
        for row in cursor:
            yield ListedSuppression(**dict(zip(_LISTED, row, strict=True)))


def _containing(search: str | None) -> list[str] | None:
    """The patterns of keys that have a text in them; None for all."""
    return containing(search) if search else None
