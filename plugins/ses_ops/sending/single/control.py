"""The control session of a process of single messages: its lock, which shows that it lives, and rare transactions."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from ses_ops.errors import DatabaseUnavailable
from ses_ops.sending.home import check_home
from ses_ops.storage.connection import KEY_LOOKUPS, connect, transaction
from ses_ops.storage.single_messages import processes

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.single_messages.processes import ProcessRow

Result = TypeVar("Result")

APPLICATION = "ses-ops single messages"


class Control:
    """A connection in a thread of its own, so that the event loop never waits for it; made anew after a loss."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._conn: Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="single-messages")
        #: The process whose lock the session has; None before `begin`.
        self.process: ProcessRow | None = None
        self._locked = False
        #: Pids of the server's processes that have or had the locks: one may not have noticed its lost connection.
        self.sessions: list[int] = []

    async def do(self, work: Callable[[Connection], Result]) -> Result:
        """The result of work that makes its own transactions. Raises DatabaseUnavailable, and what the work raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work)

    def _do(self, work: Callable[[Connection], Result]) -> Result:
        conn = self._connected()
        try:
            return work(conn)
        except DatabaseUnavailable:
            conn.close()
            raise

    def _connected(self) -> Connection:
        if self._conn is None or self._conn.closed:
            self._conn, self._locked = connect(self._dsn, application=APPLICATION, options=KEY_LOOKUPS), False
            self.sessions.append(self._conn.info.backend_pid)
        if not self._locked and self.process is not None:
            with transaction(self._conn):
                # The server may not have noticed the end of the former session; the next call tries again.
                self._locked = processes.try_lock(self._conn, self.process.id)
        return self._conn

    def begin(self) -> ProcessRow:
        """Write a process down and take its lock in place of a former one's; while no `do` is under way.

        Raises LedgerRestored.
        """
        conn = self._connected()
        try:
            check_home(conn)
            with transaction(conn):
                if self._locked and self.process is not None:
                    processes.unlock(conn, self.process.id)
                self.process = processes.begin(conn)
                self._locked = processes.try_lock(conn, self.process.id)
        except BaseException:
            conn.close()  # who cannot begin may try it with another `Control`
            raise
        return self.process

    async def close(self) -> None:
        """End the session, and with it the locks."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        if self._conn is not None:
            self._conn.close()
