"""The deliverer's connection to PostgreSQL, in a thread of its own, so that no statement stops the posts."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from ses_ops.errors import DatabaseUnavailable
from ses_ops.storage.connection import KEY_LOOKUPS, connect, transaction

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Concatenate

    from psycopg2.extensions import connection as Connection

Given = ParamSpec("Given")
Result = TypeVar("Result")

#: Rows are looked up by key in tables that change all the time, and a statement that hangs must not keep the leases.
_OPTIONS = f"{KEY_LOOKUPS} -c statement_timeout=30s -c lock_timeout=10s"


class LedgerThread:
    """Runs functions of storage one after the other, each in a transaction; connects again after a loss."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="callbacks ledger")
        self._conn: Connection | None = None

    async def call(
        self, function: Callable[Concatenate[Connection, Given], Result], *args: Given.args, **named: Given.kwargs
    ) -> Result:
        """The result of `function(conn, ...)`, committed. Raises DatabaseUnavailable."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: self._call(function, *args, **named))

    async def call_uncommitted(
        self, function: Callable[Concatenate[Connection, Given], Result], *args: Given.args, **named: Given.kwargs
    ) -> Result:
        """The result of a function that has transactions of its own. Raises DatabaseUnavailable."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: function(self._connected(), *args, **named))

    def close(self) -> None:
        """Close the connection when what was begun has ended."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=True)

    def _call(
        self, function: Callable[Concatenate[Connection, Given], Result], *args: Given.args, **named: Given.kwargs
    ) -> Result:
        conn = self._connected()
        try:
            with transaction(conn):
                return function(conn, *args, **named)
        except DatabaseUnavailable:
            conn.close()
            raise

    def _connected(self) -> Connection:
        if self._conn is None or self._conn.closed:
            self._conn = connect(self._dsn, application="ses deliver callbacks", options=_OPTIONS)
        return self._conn

    def _close(self) -> None:
        if self._conn is not None:
            self._conn.close()
