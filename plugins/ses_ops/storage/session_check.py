"""Whether a connection is a session of the server's own, which advisory locks and prepared statements need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.errors import SesError
from ses_ops.storage.connection import CHECK_INTERVAL, connect, connected
from ses_ops.storage.named_sql import fetch_row, fetch_value, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: Other connections that try to get the session of the first between two of its transactions: a pooler hands out
#: the one that became free last, and may have some idle ones besides.
OTHERS = 3


def check_session(dsn: str) -> None:
    """Raise SesError when transactions of one connection are not all of one session, or our settings do not arrive.

    So it is behind a pooler of transactions (PgBouncer with `pool_mode = transaction`): a sender's lock on its chunk
    would be somebody else's in its next transaction, and two could send the same chunk.
    """
    others: list[Connection] = []
    try:
        with connected(dsn) as conn:
            first = _session(conn)
            conn.commit()
            for _ in range(OTHERS):
                others.append(connect(dsn))
                _session(others[-1])  # and its transaction goes on
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
    """What a person is told of the database."""

    #: Of PostgreSQL.
    version: str
    #: Of the database.
    name: str
    #: Bytes.
    size: int


def server(conn: Connection) -> Server:
    """The server and the database of a connection."""
    found = fetch_row(conn, Server, _SQL["server"])
    assert found is not None
    return found
