"""The suppression list as the reference has it: of bounces, and a list of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_ops.storage.like_pattern import containing
from ses_ops.storage.named_sql import execute, fetch_all, fetch_row, fetch_value, fetch_values, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.address import Address
    from ses_ops.domain.suppression import SuppressionReason

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class HardBounce:
    """An address that does not exist."""

    address: str
    #: The server's words.
    note: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ManualEntry:
    """An entry of one's own."""

    number: int
    address: str
    created_at: datetime
    expires_at: datetime | None
    expired: bool


def hard_bounces(
    conn: Connection, *, since: datetime, until: datetime, address_key: str | None, offset: int, limit: int
) -> tuple[list[HardBounce], int]:
    """Those of a span of time, the newest first, and their number."""
    asked: dict[str, Any] = {"since": since, "until": until, "address_key": address_key}
    rows = fetch_all(conn, _SQL["hard_bounces"], **asked, offset=offset, limit=limit)
    total = rows[0]["total"] if rows else fetch_value(conn, _SQL["count_hard_bounces"], **asked)
    return [HardBounce(**{name: row[name] for name in row if name != "total"}) for row in rows], total


def manual(
    conn: Connection, *, text: str | None, expired: bool | None, offset: int, limit: int
) -> tuple[list[ManualEntry], int]:
    """Entries of one's own, the newest first, and their number. `text`: a part of the address."""
    asked: dict[str, Any] = {"patterns": containing(text) if text else None, "expired": expired}
    rows = fetch_all(conn, _SQL["manual"], **asked, offset=offset, limit=limit)
    total = rows[0]["total"] if rows else fetch_value(conn, _SQL["count_manual"], **asked)
    return [ManualEntry(**{name: row[name] for name in row if name != "total"}) for row in rows], total


def of_number(conn: Connection, number: int) -> ManualEntry | None:
    """The entry of a number, locked; None: there is none."""
    return fetch_row(conn, ManualEntry, _SQL["of_number"], number=number)


def change_manual(conn: Connection, number: int, address: Address, *, expires_at: datetime | None, by: str) -> None:
    """Change an entry. Raises KeyTaken when another one has the address."""
    key = {"address_key": address.key, "address": address.address}
    execute(conn, _SQL["change_manual"], number=number, **key, expires_at=expires_at, by=by)


def on_the_list(conn: Connection, address_keys: Sequence[str]) -> set[str]:
    """Of some addresses those that get no mail at all."""
    return set(fetch_values(conn, _SQL["on_the_list"], address_keys=list(address_keys)))


def remove_of_reason(conn: Connection, address_keys: Sequence[str], *, reason: SuppressionReason) -> int:
    """Remove the entries of some addresses that have a reason; their number."""
    return execute(conn, _SQL["remove_of_reason"], address_keys=list(address_keys), reason=reason.value)


def add_manual(conn: Connection, addresses: Sequence[Address], *, expires_at: datetime | None, by: str) -> None:
    """Put addresses, each once, on the list; what is on it for longer stays as it is."""
    keys, texts = [one.key for one in addresses], [one.address for one in addresses]
    execute(conn, _SQL["add_manual"], address_keys=keys, addresses=texts, expires_at=expires_at, by=by)
