"""Sender addresses as clients of the reference made them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_row, fetch_rows, fetch_value, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredSender:
    """A sender address."""

    address: str
    #: In From, where a mail gives none; empty: none.
    sender_name: str
    created_at: datetime
    smtp_password_set: bool

    @property
    def domain(self) -> str:
        """Its sender domain."""
        return self.address.rpartition("@")[2]


def senders(conn: Connection) -> list[StoredSender]:
    """All of them by address."""
    return fetch_rows(conn, StoredSender, _SQL["senders"])


def find(conn: Connection, address: str) -> StoredSender | None:
    """The one of an address; None: no client made it."""
    return fetch_row(conn, StoredSender, _SQL["sender"], address=address)


def lock(conn: Connection) -> None:
    """Have others that add one wait until the transaction ends."""
    fetch_value(conn, _SQL["lock_senders"])


def add(conn: Connection, address: str, *, sender_name: str) -> bool:
    """Note a new address; False when it is noted already."""
    return execute(conn, _SQL["add_sender"], address=address, sender_name=sender_name) > 0


def remove(conn: Connection, address: str) -> bool:
    """Forget an address; False when it was not noted."""
    return execute(conn, _SQL["remove_sender"], address=address) > 0
