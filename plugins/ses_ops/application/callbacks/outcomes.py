"""Outcomes of posts on their way into the ledger: many in one transaction, kept while the database is unavailable."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from ses_ops.errors import SesError
from ses_ops.storage.callbacks import waiting_posts
from ses_ops.storage.callbacks.waiting_posts import Ended, Failed
from ses_ops.storage.connection import StatementFailed, ValueRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.callbacks.ledger_thread import LedgerThread

log = logging.getLogger(__name__)

#: Number of outcomes that may wait to be written while more events are taken.
MOST_UNWRITTEN = 2_000
#: Seconds of rest after the database could not be written.
_REST = 1.0


class Outcomes:
    """What is to be written of posts. It belongs to the event loop."""

    def __init__(self, ledger: LedgerThread) -> None:
        self._ledger = ledger
        self._waiting: list[Ended | Failed] = []
        self._changed = asyncio.Event()
        self._ending = False

    @property
    def count(self) -> int:
        """Number of outcomes that are not written."""
        return len(self._waiting)

    def add(self, outcome: Ended | Failed) -> None:
        """Have an outcome written by the next `flush`."""
        self._waiting.append(outcome)

    async def settled(self) -> None:
        """Wait while too many outcomes are not written, as when the database is unavailable: memory stays flat."""
        while self.count > MOST_UNWRITTEN and not self._ending:
            self._changed.clear()
            await self._changed.wait()

    def end(self) -> None:
        """Let nobody wait for room any more: no more events are taken."""
        self._ending = True
        self._changed.set()

    async def flush(self) -> None:
        """Write outcomes. Those that cannot be written now are kept; one that can never be written is dropped."""
        left = size = self.count
        while left:
            part = self._waiting[:size]
            try:
                await self._ledger.call(_write, part)
            except Exception as problem:
                if _can_wait(problem):
                    log.warning("%s outcomes of callbacks wait for the database: %s", self.count, problem)
                    await asyncio.sleep(_REST)
                    return
                if size > 1:  # the one that is refused is found by halves
                    size //= 2
                    continue
                if part[0] != (bare := _without_answer(part[0])):
                    self._waiting[0] = bare
                    continue
                log.warning(
                    "the outcome of waiting post %s cannot be written, and is dropped", part[0].id, exc_info=problem
                )
            del self._waiting[:size]
            left -= size
            size = left
            self._changed.set()


def _can_wait(problem: Exception) -> bool:
    """Whether the same outcomes may be written later: nothing is wrong with one of them."""
    return isinstance(problem, (SesError, StatementFailed)) and not isinstance(problem, ValueRefused)


def _without_answer(outcome: Ended | Failed) -> Ended | Failed:
    """The outcome without what the endpoint said: its event ends all the same, and is not posted again."""
    return outcome._replace(status=None, answer="")


def _write(conn: Connection, outcomes: Sequence[Ended | Failed]) -> None:
    ended = [one for one in outcomes if isinstance(one, Ended)]
    failed = [one for one in outcomes if isinstance(one, Failed)]
    if ended:
        waiting_posts.write_ended(conn, ended)
    if failed:
        waiting_posts.write_failed(conn, failed)
