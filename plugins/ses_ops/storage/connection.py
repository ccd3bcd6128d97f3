"""Connections to the `ses` database and transactions on them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg2
import psycopg2.errors

from ses_ops.errors import DatabaseUnavailable, NotSetUp
from ses_ops.storage.named_sql import fetch_value, statements
from ses_ops.storage.stored_moments import read_totally

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: What the driver raises for a statement that fails although the server is there (see `transaction`).
StatementFailed = psycopg2.Error
#: The same when the connection or the server is gone.
ConnectionLost = (psycopg2.OperationalError, psycopg2.InterfaceError)
#: The same for a row whose key another row has.
KeyTaken = psycopg2.errors.UniqueViolation

#: What PostgreSQL says of a table, a column, a type, a schema that it has not.
_NOT_THERE = (
    psycopg2.errors.UndefinedTable,
    psycopg2.errors.UndefinedColumn,
    psycopg2.errors.UndefinedObject,
    psycopg2.errors.InvalidSchemaName,
)

#: Seconds to wait for a server that does not answer at all.
CONNECT_TIMEOUT = 10


#: For a sender, whose every statement looks a few rows up by key. The planner does not know a freshly frozen audience
#: yet and would read a million rows to update fifty.
KEY_LOOKUPS = (
    # What the mark says must outlive the server, whatever a database is set to for the sake of speed.
    "-c synchronous_commit=on"
    " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off"
    " -c plan_cache_mode=force_generic_plan"
)

#: Milliseconds after which a statement of minutes (a million recipients) ends when nobody waits for its answer;
#: PostgreSQL 14 and later.
CHECK_INTERVAL = 10_000

#: The server's own keepalives, and how long an answer that nobody acknowledges may keep a session alive (milliseconds).
NOTICE_LOST_CLIENT = (
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4 -c tcp_user_timeout=30000"
    f" -c client_connection_check_interval={CHECK_INTERVAL}"
)


def connect(
    dsn: str, *, application: str = "ses-ops", options: str = "", connect_timeout: int = CONNECT_TIMEOUT
) -> Connection:
    """Open a connection (UTC, autocommit off). Raises DatabaseUnavailable with the server's own words, NotSetUp.

    `options` are server settings in libpq's form.
    """
    try:
        conn = psycopg2.connect(dsn, **{**connection_options(application, options), "connect_timeout": connect_timeout})
        read_totally(conn)
        return conn
    except psycopg2.OperationalError as cause:
        raise DatabaseUnavailable("database_not_connected", cause=one_line(cause)) from cause
    except psycopg2.ProgrammingError as cause:  # an extra of the connection that libpq does not know
        raise NotSetUp("database_connection_not_usable", cause=one_line(cause)) from cause


def connection_options(application: str, options: str) -> dict[str, Any]:
    """What every connection of ours asks of libpq.

    TCP keepalives find a server that vanished within about 30 s, instead of the kernel's two hours. The server is asked
    for the same: the session of a machine that lost its power holds the lock of the chunk that it was sending.
    """
    return {
        "application_name": application,
        "connect_timeout": CONNECT_TIMEOUT,
        "options": f"-c timezone=UTC {NOTICE_LOST_CLIENT} {options}",
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 4,
        "tcp_user_timeout": 30_000,
    }


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
        lost = is_lost(conn, cause)
        _roll_back(conn)
        if not lost:
            if problem := schema_problem(cause):
                raise problem from cause
            raise
        raise DatabaseUnavailable("database_failed", cause=one_line(cause)) from cause
    except BaseException:
        _roll_back(conn)
        raise


def schema_problem(cause: BaseException) -> NotSetUp | None:
    """The error for a statement that speaks of what the database has not: it has the schema of another version."""
    if not isinstance(cause, _NOT_THERE):
        return None
    return NotSetUp("schema_of_another_version")


def is_lost(conn: Connection, cause: psycopg2.Error) -> bool:
    """Whether an error says that the connection or the server is gone, and not that the statement was wrong."""
    # A connection that breaks inside a statement is a bare DatabaseError in psycopg2, no OperationalError.
    bare = type(cause) is psycopg2.DatabaseError
    return bare or bool(conn.closed) or isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError)


def _roll_back(conn: Connection) -> None:
    try:
        conn.rollback()
    except psycopg2.Error:
        conn.close()


@contextmanager
def connected(
    dsn: str, *, application: str = "ses-ops", options: str = "", connect_timeout: int = CONNECT_TIMEOUT
) -> Iterator[Connection]:
    """A connection for the length of a `with`, closed at its end."""
    conn = connect(dsn, application=application, options=options, connect_timeout=connect_timeout)
    try:
        yield conn
    finally:
        conn.close()


def database_now(conn: Connection) -> datetime:
    """The moment by the database's clock: the one clock that all workers share."""
    now: datetime = fetch_value(conn, _SQL["now"])
    return now
