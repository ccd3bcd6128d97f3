"""The check that a connection is one session of the server.

Advisory locks and prepared statements need that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.errors import SesError
from ses_ops.storage.connection import CHECK_INTERVAL, connect, connected
from ses_ops.storage.named_sql import fetch_row, fetch_value, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: Number of other connections that try to get the session of the first between two of its transactions: a pooler hands
#: out the session that became free last, and may have some idle ones besides.
OTHERS = 3


def check_session(dsn: str) -> None:
    """Raise SesError when the transactions of one connection are not of one session, or server settings do not arrive.

    That is so behind a pooler of transactions (PgBouncer with `pool_mode = transaction`): a sender's lock on its chunk
    would belong to another client in the next transaction, and two senders could send the same chunk.
    """
    others: list[Connection] = []
    try:
        with connected(dsn) as conn:
            first = _session(conn)
            conn.commit()
            for _ in range(OTHERS):
                others.append(connect(dsn))
                _session(others[-1])  # the transaction of the session stays open
                if _session(conn) != first:
                    raise SesError("pooler_of_transactions")
                conn.commit()
            _check_settings(conn)
    finally:
        for other in others:
            other.close()


def _session(conn: Connection) -> int:
    return int(fetch_value(conn, _SQL["process"]))


def _check_settings(conn: Connection) -> None:
    if fetch_value(conn, _SQL["check_interval"]) != CHECK_INTERVAL:
        raise SesError("settings_do_not_arrive")


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """The facts of the database for `ses doctor`."""

    #: The version of PostgreSQL.
    version: str
    #: The name of the database.
    name: str
    #: The size of the database in bytes.
    size: int


def server(conn: Connection) -> Server:
    """The server and the database of a connection."""
    found = fetch_row(conn, Server, _SQL["server"])
    assert found is not None
    return found
