"""The suppression list: addresses that get no mail, for ever or until a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from ses_ops.errors import NotFound
from ses_ops.storage.copy_rows import copy_in, copy_text
from ses_ops.storage.sql import execute, fetch_all, fetch_one, statements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.address import Address


class SuppressionReason(StrEnum):
    """Why an address gets no mail (domain.md)."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    MANUAL = "manual"


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppression:
    """An entry of the list."""

    address: str
    reason: SuppressionReason
    note: str
    created_at: datetime
    #: None: for ever.
    expires_at: datetime | None


class NewSuppression(NamedTuple):
    """An entry to be, with the line of the file that it stands on."""

    line: int
    address: str
    key: str
    reason: SuppressionReason
    note: str
    expires_at: datetime | None


def add(
    conn: Connection, address: Address, *, reason: SuppressionReason, note: str, expires_at: datetime | None
) -> bool:
    """Put an address on the list; False when it is there already for at least as long (then nothing changes)."""
    values = {"address_key": address.key, "address": address.address, "note": note, "expires_at": expires_at}
    return execute(conn, "suppression", "add", **values, reason=reason.value) > 0


def find(conn: Connection, key: str) -> Suppression | None:
    """The entry of an address, expired or not."""
    row = fetch_one(conn, "suppression", "find", address_key=key)
    return None if row is None else Suppression(**{**row, "reason": SuppressionReason(row["reason"])})


def remove(conn: Connection, address: Address) -> None:
    """Take an address off the list; raises NotFound."""
    if not execute(conn, "suppression", "remove", address_key=address.key):
        raise NotFound("suppressed address", address.address)


def entries(conn: Connection, *, search: str | None = None, limit: int | None = None) -> list[dict[str, object]]:
    """The list, newest first, as rows: address, reason, note, created_at, expires_at, expired."""
    return fetch_all(conn, "suppression", "entries", search=search, limit=limit)


def add_all(conn: Connection, rows: Iterable[NewSuppression]) -> tuple[int, int]:
    """Stream entries in, in the caller's transaction; returns (rows read, addresses new or made to last longer)."""
    execute(conn, "suppression_import", "make_stage")
    lines = (
        f"{row.line}\t{copy_text(row.address)}\t{copy_text(row.key)}\t{row.reason.value}\t{copy_text(row.note)}\t"
        f"{row.expires_at.isoformat() if row.expires_at else chr(92) + 'N'}\n"
        for row in rows
    )
    staged = copy_in(conn, statements("suppression_import")["copy_stage"], lines)
    return staged, execute(conn, "suppression_import", "add_stage")
