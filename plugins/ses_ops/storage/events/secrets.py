"""The secrets that tokens are made with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import fetch_values, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


def token_secrets(conn: Connection) -> list[bytes]:
    """All secrets, newest first: the first one makes tokens, each of them is valid."""
    return [bytes(secret) for secret in fetch_values(conn, _SQL["token_secrets"])]
