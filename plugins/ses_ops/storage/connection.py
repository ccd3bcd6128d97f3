"""Connections to the `ses` database and transactions on them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from ses_ops.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import connection as Connection

#: Seconds to wait for a server that does not answer at all.
CONNECT_TIMEOUT = 10


#: For a sender, whose every statement looks a few rows up by key. The planner does not know a freshly frozen audience
#: yet and would read a million rows to update fifty.
KEY_LOOKUPS = "-c enable_seqscan=off -c jit=off -c plan_cache_mode=force_generic_plan"


def connect(dsn: str, *, application: str = "ses-ops", options: str = "") -> Connection:
    """Open a connection (UTC, autocommit off). Raises DatabaseUnavailable with the server's own words.

    `options` are server settings in libpq's form. TCP keepalives find a server that vanished within about 30 s,
    instead of the kernel's two hours.
    """
    try:
        return psycopg2.connect(
            dsn,
            application_name=application,
            connect_timeout=CONNECT_TIMEOUT,
            options=f"-c timezone=UTC {options}",
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
    with errors_wrapped(conn):
        yield conn
        conn.commit()


@contextmanager
def errors_wrapped(conn: Connection) -> Iterator[None]:
    """Roll back at any error, and wrap the driver's for a lost server in DatabaseUnavailable."""
    try:
        yield
    except psycopg2.Error as cause:
        # A connection that breaks inside a statement is a bare DatabaseError in psycopg2, no OperationalError.
        bare = type(cause) is psycopg2.DatabaseError
        lost = bare or conn.closed or isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError)
        _roll_back(conn)
        if not lost:
            raise
        raise DatabaseUnavailable(f"the ses database failed: {one_line(cause)}") from cause
    except BaseException:
        _roll_back(conn)
        raise


def _roll_back(conn: Connection) -> None:
    try:
        if conn.autocommit and not conn.closed and conn.info.transaction_status != TRANSACTION_STATUS_IDLE:
            with conn.cursor() as cursor:
                cursor.execute("ROLLBACK")
        conn.rollback()
    except psycopg2.Error:
        conn.close()


@contextmanager
def connected(dsn: str, *, application: str = "ses-ops", options: str = "") -> Iterator[Connection]:
    """A connection for the length of a `with`, closed at its end."""
    conn = connect(dsn, application=application, options=options)
    try:
        yield conn
    finally:
        conn.close()
