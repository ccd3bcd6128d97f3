"""Keys of programs: made, listed, revoked, and looked up for a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_row, fetch_rows, fetch_value, fetch_values, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyRow:
    """A key without its secret."""

    id: str
    name: str
    scopes: list[str]
    domains: list[str]
    per_second: int | None
    created_at: datetime
    created_by: str
    last_used_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CredentialRow:
    """A valid key with what its secret is proved by."""

    id: str
    name: str
    scopes: list[str]
    domains: list[str]
    per_second: int | None
    secret_hash: bytes = field(repr=False)
    secret_box: bytes = field(repr=False)


def insert(
    conn: Connection,
    *,
    id: str,
    name: str,
    scopes: Sequence[str],
    domains: Sequence[str],
    secret_hash: bytes,
    secret_box: bytes,
    per_second: int | None,
    created_by: str,
) -> None:
    """Write a key. Raises KeyTaken when a valid one has the name."""
    lists = {"scopes": list(scopes), "domains": list(domains)}
    secret = {"secret_hash": secret_hash, "secret_box": secret_box}
    execute(conn, _SQL["insert"], id=id, name=name, **lists, **secret, per_second=per_second, created_by=created_by)


def keys(conn: Connection, *, revoked_too: bool = True) -> list[KeyRow]:
    """The keys, valid ones first."""
    return fetch_rows(conn, KeyRow, _SQL["keys"], revoked_too=revoked_too)


def find(conn: Connection, given: str) -> KeyRow | None:
    """The key of an id, or the valid one of a name."""
    return fetch_row(conn, KeyRow, _SQL["find"], given=given)


def revoke(conn: Connection, id: str, *, by: str) -> bool:
    """Revoke a key; False when it is revoked already."""
    return execute(conn, _SQL["revoke"], id=id, by=by) > 0


def credentials(conn: Connection) -> list[CredentialRow]:
    """The valid keys with what their secrets are proved by."""
    return fetch_rows(conn, CredentialRow, _SQL["credentials"])


def note_used(conn: Connection, ids: Sequence[str]) -> int:
    """Note that keys were used now; the number of rows that were written."""
    return execute(conn, _SQL["note_used"], ids=list(ids))


def any_key(conn: Connection) -> bool:
    """Whether there was ever a key."""
    return bool(fetch_value(conn, _SQL["any_key"]))


def sending_domains(conn: Connection) -> list[str]:
    """The sender domains that a valid key for sending names."""
    return fetch_values(conn, _SQL["sending_domains"])
