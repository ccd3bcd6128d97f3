"""Connections to the `ses` database and transactions on them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg2
import psycopg2.extensions

from ses_ops.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import connection as Connection

#: Seconds to wait for a server that does not answer at all.
CONNECT_TIMEOUT = 10


def connect(dsn: str, *, application: str = "ses-ops") -> Connection:
    """Open a connection (UTC, autocommit off). Raises DatabaseUnavailable with the server's own words.

    TCP keepalives find a server that vanished within about 30 s, instead of the kernel's two hours.
    """
    try:
        return psycopg2.connect(
            dsn,
            application_name=application,
            connect_timeout=CONNECT_TIMEOUT,
            options="-c timezone=UTC",
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=4,
        )
    except psycopg2.OperationalError as cause:
        raise DatabaseUnavailable(f"cannot connect to the ses database: {one_line(cause)}") from cause


def one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


@contextmanager
def transaction(conn: Connection) -> Iterator[Connection]:
    """One transaction: commits at the end, rolls back at an error. A lost server raises DatabaseUnavailable."""
    try:
        yield conn
        conn.commit()
    except psycopg2.Error as cause:
        # A connection that breaks inside a statement is a bare DatabaseError in psycopg2; its mark is `closed`.
        lost = conn.closed or isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError)
        _roll_back(conn)
        if not lost:
            raise
        raise DatabaseUnavailable(f"the ses database failed: {one_line(cause)}") from cause
    except BaseException:
        _roll_back(conn)
        raise


def _roll_back(conn: Connection) -> None:
    try:
        conn.rollback()
    except psycopg2.Error:
        conn.close()


@contextmanager
def connected(dsn: str, *, application: str = "ses-ops") -> Iterator[Connection]:
    """A connection for the length of a `with`, closed at its end."""
    conn = connect(dsn, application=application)
    try:
        yield conn
    finally:
        conn.close()
