"""Streamed downloads, bounded in time.

A download reads from a transaction of the database, which a browser that stops reading must not keep open: the browser
has to take each piece within PIECE_TIMEOUT seconds, and the whole within LONGEST.
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

#: Largest number of downloads of one person at a time, of those that a process serves (`database.EXPORTS`).
EXPORTS_EACH = 2
#: Bytes of one piece; then seconds in which the browser must take a piece: two kilobytes a second.
PIECE, PIECE_TIMEOUT = 64 * 1024, 30.0
#: Seconds of the longest download.
LONGEST = 3600.0
#: The last line of a file that was ended early.
NOT_ALL = b"\r\nses-ops: this file is not complete; it was read too slowly\r\n"

_lock = threading.Lock()
_running: Counter[str] = Counter()


@contextmanager
def export_of(person: str) -> Iterator[None]:
    """Take one of a person's places for downloads in the `with`. Raises DatabaseUnavailable when all are taken."""
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
    """Raise DatabaseUnavailable, before the first byte of a response, when there is no place for a download."""
    with _lock:
        _check(person)
    database.check_exports()


def _check(person: str) -> None:
    if _running[person] >= EXPORTS_EACH:
        raise DatabaseUnavailable("too_many_downloads", count=EXPORTS_EACH)


class Download(Response):
    """A response that sends blocks as a thread makes them. However it ends, the generator of blocks is closed at once.

    With `person` it takes one of that person's places for downloads.
    """

    def __init__(
        self, blocks: Generator[bytes, None, None], *, headers: Mapping[str, str], person: str | None = None
    ) -> None:
        self._blocks = blocks
        self._person = person
        self._place = ExitStack()
        # The constructor of the base class would set a Content-Length.
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
                log.warning("a download is ended: not read for %d seconds, or longer than %d", PIECE_TIMEOUT, LONGEST)
                await self._close()
                # Airflow's middleware ends each response as if it were whole, so the file itself says that it is not.
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(PIECE_TIMEOUT, LONGEST)):
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
                async with asyncio.timeout(PIECE_TIMEOUT):
                    piece = block[at : at + PIECE]
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        async with asyncio.timeout(PIECE_TIMEOUT):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _close(self) -> None:
        """End the statement, also when this request is cancelled, and free the person's place."""
        with CancelScope(shield=True):
            await to_thread.run_sync(self._blocks.close)
        self._place.close()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
