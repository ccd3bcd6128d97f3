"""A file that leaves bit by bit, at the pace of who reads it; and for those who do not read, to its end all the same.

What a download reads from is a transaction of the database, so a reader who stands still must not keep it: each piece
has to be taken within PATIENCE seconds, and all of them within LONGEST.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from anyio import CancelScope, to_thread
from starlette.responses import Response

from ses_ops.console import database
from ses_ops.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from starlette.types import Receive, Scope, Send

log = logging.getLogger(__name__)

#: Downloads of one person at a time, of those that a process serves (`database.EXPORTS`).
EXPORTS_EACH = 2
#: Bytes that are sent at a time, and seconds in which they must be taken: two kilobytes a second.
PIECE, PATIENCE = 64 * 1024, 30.0
#: Seconds for all of a download.
LONGEST = 3600.0
#: The last line of a file that was ended before its end.
NOT_ALL = b"\r\nses-ops: this file is not complete; it was read too slowly\r\n"

_lock = threading.Lock()
_running: Counter[str] = Counter()


@contextmanager
def export_of(person: str) -> Iterator[None]:
    """One of a person's places, in the `with`. Raises DatabaseUnavailable when all are taken."""
    with _lock:
        _check(person)
        _running[person] += 1
    try:
        yield
    finally:
        with _lock:
            _running[person] -= 1
            if not _running[person]:
                del _running[person]


def check_exports(person: str) -> None:
    """Raise DatabaseUnavailable, before the first byte of an answer, when there is no place for a download."""
    with _lock:
        _check(person)
    database.check_exports()


def _check(person: str) -> None:
    if _running[person] >= EXPORTS_EACH:
        raise DatabaseUnavailable("too_many_downloads", count=EXPORTS_EACH)


class Download(Response):
    """Sends blocks as they are made, in a thread. However it ends, the blocks' generator is closed at once.

    With `person` it takes one of that person's places for downloads.
    """

    def __init__(
        self, blocks: Generator[bytes, None, None], *, headers: Mapping[str, str], person: str | None = None
    ) -> None:
        self._blocks = blocks
        self._person = person
        self._place = ExitStack()
        # Without a body the base class would say how long it is.
        self.status_code = 200
        self.background = None
        self.body = b""
        self.init_headers(headers)
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        if self._person is not None:
            self._place.enter_context(export_of(self._person))
        await self._send(receive, send)

    async def _send(self, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(_disconnected(receive))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            try:
                await self._send_blocks(send, gone)
            except TimeoutError:
                log.warning("a download is ended: not read for %d seconds, or longer than %d", PATIENCE, LONGEST)
                await self._close()
                # Airflow's middleware ends every answer as if it were whole, so the file says itself that it is not.
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(PATIENCE, LONGEST)):
                        await send({"type": "http.response.body", "body": NOT_ALL, "more_body": False})
        finally:
            gone.cancel()
            await self._close()

    async def _send_blocks(self, send: Send, gone: asyncio.Task[None]) -> None:
        ends_at = time.monotonic() + LONGEST
        while (block := await to_thread.run_sync(next, self._blocks, None)) is not None:
            for at in range(0, len(block), PIECE):
                if gone.done():
                    return
                if time.monotonic() > ends_at:
                    raise TimeoutError
                async with asyncio.timeout(PATIENCE):
                    piece = block[at : at + PIECE]
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        async with asyncio.timeout(PATIENCE):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _close(self) -> None:
        """End the statement, also when this request is cancelled; and let the next download of the person begin."""
        with CancelScope(shield=True):
            await to_thread.run_sync(self._blocks.close)
        self._place.close()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
