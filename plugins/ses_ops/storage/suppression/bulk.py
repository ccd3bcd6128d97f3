"""Bulk entries of the suppression list, streamed in through a temporary table."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ses_ops.storage.copy_rows import copy_in, copy_text
from ses_ops.storage.named_sql import execute, fetch_values, statements

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.suppression import SuppressionReason

_SQL = statements(__file__)


class NewSuppression(NamedTuple):
    """A new entry, with its line in the file."""

    line: int
    address: str
    key: str
    #: The sender domain whose bulk mail it is about; "": all mail.
    scope: str
    reason: SuppressionReason
    note: str
    expires_at: datetime | None


def add_all(conn: Connection, rows: Iterable[NewSuppression], *, added_by: str = "") -> tuple[int, int]:
    """Stream entries into the list, in the caller's transaction; returns (rows read, entries added or prolonged)."""
    execute(conn, _SQL["make_stage"])
    lines = (
        f"{row.line}\t{copy_text(row.address)}\t{copy_text(row.key)}\t{copy_text(row.scope)}\t{row.reason.value}\t{copy_text(row.note)}\t"
        f"{row.expires_at.isoformat() if row.expires_at else chr(92) + 'N'}\n"
        for row in rows
    )
    staged = copy_in(conn, _SQL["copy_stage"], lines)
    return staged, execute(conn, _SQL["add_stage"], added_by=added_by)


def sender_domains(conn: Connection) -> set[str]:
    """The sender domains that an entry may hold for."""
    return set(fetch_values(conn, _SQL["sender_domains"]))
