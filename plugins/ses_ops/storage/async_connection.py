"""A connection for an event loop, in which mail and ledger share a thread."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ

from ses_ops.errors import DatabaseUnavailable
from ses_ops.storage.connection import CONNECT_TIMEOUT, connection_options, is_lost, one_line
from ses_ops.storage.stored_moments import read_totally

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection


class AsyncConnection:
    """Runs one statement at a time, each in a transaction of its own. It belongs to the running event loop."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    @classmethod
    async def open(cls, dsn: str, *, application: str, options: str = "") -> AsyncConnection:
        """Open a connection. Raises DatabaseUnavailable."""
        try:
            self = cls(psycopg2.connect(dsn, async_=1, **connection_options(application, options)))
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await self._done()
            read_totally(self._conn)
        except (psycopg2.OperationalError, TimeoutError) as cause:
            raise DatabaseUnavailable("database_not_connected", cause=one_line(cause)) from cause
        return self

    async def fetch(self, sql: str, values: Any = None) -> list[tuple[Any, ...]]:
        """The rows of a statement, which is committed on return. Raises DatabaseUnavailable when the server is lost."""
        try:
            with self._conn.cursor() as cursor:
                cursor.execute(sql, values)
                await self._done()
                return cursor.fetchall() if cursor.description else []
        except psycopg2.Error as cause:
            if not is_lost(self._conn, cause):
                raise
            self.close()
            raise DatabaseUnavailable("database_failed", cause=one_line(cause)) from cause

    def close(self) -> None:
        """Close at once; the server rolls back an open statement. Safe to repeat."""
        self._conn.close()

    async def _done(self) -> None:
        loop = asyncio.get_running_loop()
        while (state := self._conn.poll()) != POLL_OK:
            ready, descriptor = loop.create_future(), self._conn.fileno()
            add, remove = (
                (loop.add_reader, loop.remove_reader) if state == POLL_READ else (loop.add_writer, loop.remove_writer)
            )
            add(descriptor, _set, ready)
            try:
                await ready
            finally:
                remove(descriptor)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
