"""The `ses` database for pages: kept connections, and snapshots shared by all viewers.

A page that only reads uses a read-only transaction, and cannot keep the server busy for longer than STATEMENT_TIMEOUT.
Data that live fragments ask for every two seconds is read once a second at most, however many viewers there are
(`Snapshot`). All functions here block: routes that use them are plain functions, which FastAPI runs in its thread pool.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

from ses_ops.console.change_made import note_change
from ses_ops.errors import DatabaseUnavailable
from ses_ops.orchestration.connections import ses_db_dsn
from ses_ops.storage.connection import connect, errors_wrapped
from ses_ops.storage.schema_version import check_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg2.extensions import connection as Connection

T = TypeVar("T")
K = TypeVar("K")

#: Largest number of idle connections that are kept; then seconds for which they are.
KEPT = 4
KEPT_FOR = 60.0
#: Seconds for which a snapshot is valid.
SNAPSHOT_AGE = 1.0
#: Milliseconds after which the server ends a statement of a page.
STATEMENT_TIMEOUT = 15_000
#: Largest number of downloads that one process serves at a time.
EXPORTS = 8
_EXPORTS = threading.BoundedSemaphore(EXPORTS)
#: Milliseconds after which PostgreSQL ends the idle transaction of a download: more than the timeout of `download`.
_EXPORT_IDLE = 120_000
_READ_ONLY = f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_TIMEOUT}"


class ReadConnections:
    """Keeps idle read-only connections, but none that failed, that is old, or that belongs to another database."""

    def __init__(self) -> None:
        self._idle: list[tuple[float, str, Connection]] = []
        self._lock = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[Connection]:
        """A connection, and one transaction on it. Raises DatabaseUnavailable."""
        dsn = ses_db_dsn()
        conn = self._take(dsn) or _opened(dsn, "ses-ops console", _READ_ONLY)
        try:
            with errors_wrapped(conn):
                yield conn
                conn.rollback()
        except BaseException:
            conn.close()
            raise
        self._keep(dsn, conn)

    def _take(self, dsn: str) -> Connection | None:
        with self._lock:
            fresh_after = time.monotonic() - KEPT_FOR
            stale = [conn for kept_at, of, conn in self._idle if kept_at < fresh_after or of != dsn]
            self._idle = [one for one in self._idle if one[2] not in stale]
            found = self._idle.pop()[2] if self._idle else None
        for conn in stale:
            conn.close()
        return found

    def _keep(self, dsn: str, conn: Connection) -> None:
        with self._lock:
            if len(self._idle) < KEPT:
                self._idle.append((time.monotonic(), dsn, conn))
                return
        conn.close()

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, _, conn in idle:
            conn.close()


def _opened(dsn: str, application: str, options: str = "") -> Connection:
    """A new connection to a database with the schema of this version. Raises DatabaseUnavailable, NotSetUp."""
    conn = connect(dsn, application=application, options=options)
    try:
        with errors_wrapped(conn):
            check_schema(conn)
    except BaseException:
        conn.close()
        raise
    return conn


_READERS = ReadConnections()


@contextmanager
def reading() -> Iterator[Connection]:
    """A read-only connection for one request."""
    with _READERS.one() as conn:
        yield conn


def database_is_ready() -> None:
    """Raise the errors of `reading`, for a form that needs a database only when it is sent."""
    with reading():
        pass


@contextmanager
def streaming() -> Iterator[Connection]:
    """A read-only connection of its own for a response that is streamed (`download.Download`).

    Raises DatabaseUnavailable when EXPORTS of these are open.
    """
    _take_export()
    options = f"{_READ_ONLY} -c idle_in_transaction_session_timeout={_EXPORT_IDLE}"
    try:
        with closing(_opened(ses_db_dsn(), "ses-ops export", options)) as conn, errors_wrapped(conn):
            yield conn
    finally:
        _EXPORTS.release()


def check_exports() -> None:
    """Raise the errors of `streaming`, before the first byte of a response."""
    _take_export()
    _EXPORTS.release()
    database_is_ready()


def _take_export() -> None:
    if not _EXPORTS.acquire(blocking=False):
        raise DatabaseUnavailable("too_many_exports", count=EXPORTS)


@contextmanager
def changing() -> Iterator[Connection]:
    """A connection of its own for a change, after which all snapshots are dropped.

    A block that ends without an error counts as a change (an attempt that changes nothing ends by an error).
    """
    try:
        with closing(_opened(ses_db_dsn(), "ses-ops console")) as conn, errors_wrapped(conn):
            yield conn
        note_change()
    finally:
        forget_snapshots()


class Snapshot(Generic[T]):
    """The result of a query, shared by all requests for `age` seconds. Simultaneous requests wait for one query."""

    _all: list[Snapshot | SnapshotByKey] = []  # noqa: RUF012 - the list of all snapshots is meant to be shared

    def __init__(self, read: Callable[[Connection], T], *, age: float = SNAPSHOT_AGE, known: bool = True) -> None:
        self._read = read
        self._age = age
        self._lock = threading.Lock()
        self._read_at = 0.0
        self._of = ""
        self._value: T | None = None
        if known:
            Snapshot._all.append(self)

    def get(self, *, fresh: bool = False) -> T:
        """The snapshot; `fresh` for a page that a person just opened, which must show the person's last change."""
        dsn = ses_db_dsn()
        with self._lock:
            too_old = self._value is None or self._of != dsn or time.monotonic() - self._read_at > self._age
            if fresh or too_old:
                with reading() as conn:
                    self._value = self._read(conn)
                self._read_at, self._of = time.monotonic(), dsn
            assert self._value is not None
            return self._value

    def forget(self) -> None:
        """Drop the value, so that the next request reads it again."""
        with self._lock:
            self._value = None


class SnapshotByKey(Generic[K, T]):
    """A snapshot for each key, such as the name of a task; the `most` newest keys are kept."""

    def __init__(self, read: Callable[[Connection, K], T], *, age: float = SNAPSHOT_AGE, most: int = 200) -> None:
        self._read = read
        self._age = age
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[K, Snapshot[T]] = OrderedDict()
        Snapshot._all.append(self)

    def get(self, key: K, *, fresh: bool = False) -> T:
        """The snapshot of a key; see `Snapshot.get`."""
        with self._lock:
            one = self._kept.pop(key, None) or Snapshot(lambda conn: self._read(conn, key), age=self._age, known=False)
            self._kept[key] = one
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return one.get(fresh=fresh)

    def forget(self) -> None:
        """Drop all snapshots, so that the next requests read them again."""
        with self._lock:
            self._kept.clear()


def forget_snapshots() -> None:
    """Drop all snapshots after a change, so that every viewer sees the change."""
    for one in Snapshot._all:
        one.forget()


def close_idle() -> None:
    """Close the idle connections and drop all snapshots."""
    _READERS.close()
    forget_snapshots()
