"""Threads with a connection to PostgreSQL each, in which requests read and change what is not a single message."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from ses_ops.api.problems import Refusal
from ses_ops.errors import DatabaseUnavailable
from ses_ops.storage.connection import connect, leave_no_transaction, transaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg2.extensions import connection as Connection

Given = ParamSpec("Given")
Result = TypeVar("Result")

#: Threads, and requests that wait for one; more are refused.
THREADS, MOST_WAITING = 4, 200
_OPTIONS = "-c statement_timeout=20s -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s"


class DatabaseThreads:
    """Runs functions of (connection, ...) in threads."""

    def __init__(self, dsn: str, threads: int = THREADS) -> None:
        self._dsn = dsn
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="api database")
        self._own = threading.local()
        self._waiting = 0

    async def read(
        self, function: Callable[Concatenate[Connection, Given], Result], *args: Given.args, **named: Given.kwargs
    ) -> Result:
        """The result of a function of storage, in a transaction. Raises what it raises, and DatabaseUnavailable."""

        def run(conn: Connection) -> Result:
            with transaction(conn):
                return function(conn, *args, **named)

        return await self.call(run)

    async def call(
        self, function: Callable[Concatenate[Connection, Given], Result], *args: Given.args, **named: Given.kwargs
    ) -> Result:
        """The result of a use case, which has transactions of its own. Raises Refusal 503 when too many wait."""
        if self._waiting >= MOST_WAITING:
            raise Refusal(503, "too_many_requests_at_once", limit=MOST_WAITING)
        loop = asyncio.get_running_loop()
        self._waiting += 1
        try:
            # A client that goes away does not undo a change in the middle: the thread ends it.
            return await asyncio.shield(
                loop.run_in_executor(self._threads, lambda: self._run(lambda conn: function(conn, *args, **named)))
            )
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End when what was begun has ended."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _run(self, function: Callable[[Connection], Result]) -> Result:
        conn: Connection | None = getattr(self._own, "conn", None)
        if conn is None or conn.closed:
            self._own.conn = conn = connect(self._dsn, application="ses api", options=_OPTIONS, connect_timeout=3)
        try:
            return function(conn)
        except DatabaseUnavailable:
            conn.close()
            raise
        finally:
            # What a use case reads before its own transaction began one, which would last until the next request.
            leave_no_transaction(conn)
