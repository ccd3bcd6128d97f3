"""Restores of this ledger: when it was restored, and until when the system of its backup may have sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_rows, fetch_value, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Restore:
    """One time that a person said how a restored ledger goes on."""

    id: int
    restored_at: datetime
    restored_by: str
    #: The moment of the backup: the newest that the ledger knew, or the one that the person gave.
    taken_at: datetime
    #: From when on the system of the backup sent nothing.
    until: datetime
    #: Whether the person knew that it had sent nothing since the backup.
    nothing_was_sent: bool
    #: Numbers of messages that became unknown: of send tasks, and single ones.
    bulk: int
    single: int


def newest_moment(conn: Connection) -> datetime | None:
    """The newest moment that the ledger knows; None for one in which nothing has happened."""
    found: datetime | None = fetch_value(conn, _SQL["newest_moment"])
    return found


def insert(conn: Connection, *, who: str, taken_at: datetime, until: datetime, nothing_was_sent: bool) -> int:
    """Write a restore; returns its number."""
    values = {"taken_at": taken_at, "until": until, "nothing_was_sent": nothing_was_sent}
    return int(fetch_value(conn, _SQL["insert"], who=who, **values))


def count(conn: Connection, restore_id: int, *, bulk: int, single: int) -> None:
    """Write the numbers of messages that became unknown."""
    execute(conn, _SQL["count"], id=restore_id, bulk=bulk, single=single)


def listed(conn: Connection) -> list[Restore]:
    """All restores, the newest first."""
    return fetch_rows(conn, Restore, _SQL["list"])


def sent_until(conn: Connection) -> datetime | None:
    """Until when a system whose backup was restored may have sent what this ledger does not know; None: never."""
    found: datetime | None = fetch_value(conn, _SQL["sent_until"])
    return found
