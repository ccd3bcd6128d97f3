"""Entries that the storm guard holds back until a person decides about all of a mailbox provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_rows, fetch_value, statements

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldProvider:
    """The entries of one mailbox provider that wait."""

    mailbox_provider: str
    count: int
    first_at: datetime
    last_at: datetime
    #: The server's words of the newest one, and the addresses of the three newest.
    note: str
    addresses: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldSuppression:
    """An entry that waits."""

    address: str
    reason: str
    note: str
    source: str
    mailbox_provider: str
    occurrence_id: int
    seq: int
    held_at: datetime


def by_provider(conn: Connection) -> list[HeldProvider]:
    """The mailbox providers with entries that wait, the newest first."""
    return fetch_rows(conn, HeldProvider, _SQL["by_provider"])


def page(conn: Connection, provider: str, *, offset: int = 0, limit: int = 50) -> list[HeldSuppression]:
    """Entries of a provider that wait, newest first."""
    return fetch_rows(conn, HeldSuppression, _SQL["page"], provider=provider, offset=offset, limit=limit)


def count(conn: Connection, provider: str, *, until: datetime) -> int:
    """Number of entries of a provider that wait since `until` or longer."""
    return int(fetch_value(conn, _SQL["count"], provider=provider, until=until))


def approve(conn: Connection, provider: str, *, until: datetime, by: str) -> int:
    """Put the entries on the suppression list; returns the number of those that are new there."""
    return execute(conn, _SQL["approve"], provider=provider, until=until, by=by)


def discard(conn: Connection, provider: str, *, until: datetime) -> int:
    """Forget the entries: their addresses get mail; returns their number."""
    return execute(conn, _SQL["discard"], provider=provider, until=until)
