"""Connections to the `ses` database and transactions on them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg2
import psycopg2.errors
import psycopg2.extensions

from ses_ops.errors import DatabaseUnavailable, NotSetUp
from ses_ops.storage.named_sql import fetch_value, statements
from ses_ops.storage.stored_moments import read_totally

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: The driver's error for a statement that fails although the server is available (see `transaction`).
StatementFailed = psycopg2.Error
#: The driver's error for a lost connection or server.
ConnectionLost = (psycopg2.OperationalError, psycopg2.InterfaceError)
#: The driver's error of a standby: a new connection leads to the server that takes changes by then.
_TakesNoChanges = psycopg2.errors.ReadOnlySqlTransaction
#: The driver's error for a row whose key another row has.
KeyTaken = psycopg2.errors.UniqueViolation
#: The driver's errors for a value that the server does not take, now or later.
ValueRefused = (psycopg2.DataError, psycopg2.IntegrityError)

#: PostgreSQL's error codes for a missing table, column, type or schema.
_NOT_THERE = (
    psycopg2.errors.UndefinedTable,
    psycopg2.errors.UndefinedColumn,
    psycopg2.errors.UndefinedObject,
    psycopg2.errors.InvalidSchemaName,
)

#: Seconds to wait for a server that does not answer at all.
CONNECT_TIMEOUT = 10


#: Server settings for a sender, whose statements look up a few rows by key. The planner does not know a freshly frozen
#: audience yet and would read a million rows to update fifty.
KEY_LOOKUPS = (
    # The mark must survive a crash of the server, so the setting is made here, whatever the database's own is.
    "-c synchronous_commit=on"
    " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off"
    " -c plan_cache_mode=force_generic_plan"
)

#: Milliseconds after which a long statement (a million recipients) ends when its client is gone; PostgreSQL 14 and
#: later.
CHECK_INTERVAL = 10_000

#: The server's keepalives, and the milliseconds for which an unacknowledged answer may keep a session alive.
NOTICE_LOST_CLIENT = (
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4 -c tcp_user_timeout=30000"
    f" -c client_connection_check_interval={CHECK_INTERVAL}"
)


def connect(
    dsn: str, *, application: str = "ses-ops", options: str = "", connect_timeout: int = CONNECT_TIMEOUT
) -> Connection:
    """Open a connection (UTC, autocommit off). Raises DatabaseUnavailable with the server's message, NotSetUp.

    `options` are server settings in libpq's form.
    """
    try:
        conn = psycopg2.connect(dsn, **{**connection_options(application, options), "connect_timeout": connect_timeout})
        read_totally(conn)
        return conn
    except psycopg2.OperationalError as cause:
        raise DatabaseUnavailable("database_not_connected", cause=one_line(cause)) from cause
    except psycopg2.ProgrammingError as cause:  # the connection has an extra that libpq does not know
        raise NotSetUp("database_connection_not_usable", cause=one_line(cause)) from cause


def connection_options(application: str, options: str) -> dict[str, Any]:
    """The parameters of every connection for libpq.

    TCP keepalives notice a vanished server within about 30 s, instead of the kernel's two hours. The server gets the
    same settings: the session of a machine that lost its power holds the lock of the chunk that the machine was
    sending.
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
    """One transaction: commits at the end, rolls back at an error. Raises DatabaseUnavailable for a lost server."""
    with errors_wrapped(conn):
        yield conn
        conn.commit()


@contextmanager
def errors_wrapped(conn: Connection) -> Iterator[None]:
    """Roll back at any error, and raise DatabaseUnavailable for the driver's error of a lost server."""
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
    """The error for a statement about a missing table or column: the database has the schema of another version."""
    if not isinstance(cause, _NOT_THERE):
        return None
    return NotSetUp("schema_of_another_version")


def is_lost(conn: Connection, cause: psycopg2.Error) -> bool:
    """Whether an error means a lost connection or server, and not a wrong statement."""
    # For a connection that breaks within a statement psycopg2 raises a bare DatabaseError, no OperationalError.
    bare = type(cause) is psycopg2.DatabaseError
    return bare or bool(conn.closed) or isinstance(cause, (*ConnectionLost, _TakesNoChanges))


def leave_no_transaction(conn: Connection) -> None:
    """Roll back a transaction that was begun and not ended, as reading does: it would hold locks."""
    if not conn.closed and conn.info.transaction_status != psycopg2.extensions.TRANSACTION_STATUS_IDLE:
        _roll_back(conn)


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
    """The present moment by the database's clock, which all workers share."""
    now: datetime = fetch_value(conn, _SQL["now"])
    return now
