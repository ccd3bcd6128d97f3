"""Secrets of the tokens in links, bounce addresses and providers' metadata."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import fetch_one, fetch_rows, fetch_values, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretInUse:
    """A secret without the secret itself, which no page and no command shows."""

    id: int
    created_at: datetime
    #: Whether new tokens are made with it; the others only open old ones.
    makes_tokens: bool


def token_secrets(conn: Connection) -> list[bytes]:
    """Every secret, newest first: the first makes tokens, and each of them opens the tokens that it made."""
    return [bytes(secret) for secret in fetch_values(conn, _SQL["secrets"])]


def secrets_in_use(conn: Connection) -> list[SecretInUse]:
    """The facts of every secret, newest first."""
    return fetch_rows(conn, SecretInUse, _SQL["facts"])


def add_secret(conn: Connection) -> SecretInUse:
    """Make a secret, which makes all tokens from now on."""
    row = fetch_one(conn, _SQL["add"])
    assert row is not None
    return SecretInUse(**row, makes_tokens=True)
