"""The body of a request as an iterator for another thread.

The event loop serves other requests meanwhile. Pieces wait in a short queue: when the reader is slow, the browser
waits, and memory does not grow.
"""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from ses_ops.errors import ImportStopped

T = TypeVar("T")

#: Largest number of pieces in the queue; a server passes on some 64 kB at a time.
DEPTH = 16
#: Seconds without a byte after which a browser counts as gone: it would keep a transaction open.
SILENCE = 30.0
#: Seconds of waiting after which the received bytes are counted; then the smallest number of bytes a second: a slower
#: browser would keep a transaction and a place among the imports. Waiting for the database does not count.
WINDOW, LEAST_RATE = 30.0, 4096
#: Seconds of waiting for a whole file.
LONGEST = 2 * 3600.0
#: What is said of it.


class TooSlow(Exception):
    """A body is slower than LEAST_RATE, or takes longer than LONGEST."""


class UploadRate:
    """Measures the speed of a body, only while a reader waits for it."""

    def __init__(self) -> None:
        self._all = 0.0
        self._waited = 0.0
        self._bytes = 0

    async def next_of(self, pieces: AsyncIterator[bytes]) -> bytes | None:
        """The next piece; None at the end. Raises TimeoutError when no piece comes, TooSlow for a slow body."""
        begun = time.monotonic()
        async with asyncio.timeout(SILENCE):
            piece = await anext(pieces, None)
        waited = time.monotonic() - begun
        self._all += waited
        self._waited += waited
        self._bytes += len(piece or b"")
        if self._all > LONGEST or (self._waited >= WINDOW and self._bytes < LEAST_RATE * self._waited):
            raise TooSlow
        if self._waited >= WINDOW:
            self._waited, self._bytes = 0.0, 0
        return piece


class Incoming:
    """An iterator of the pieces of a body, for the thread that reads them. Raises ImportStopped when it is stopped."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._room = asyncio.Semaphore(DEPTH)
        self._pieces: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._stopped: ImportStopped | None = None

    @property
    def stopped(self) -> ImportStopped | None:
        """Why reading ended: the browser closed the connection (also after the last byte), was too slow, or `stop`."""
        return self._stopped

    def __iter__(self) -> Iterator[bytes]:
        while True:
            piece = self._pieces.get()
            if self._stopped is not None:
                raise self._stopped
            if piece is None:
                return
            self._loop.call_soon_threadsafe(self._room.release)
            yield piece

    def stop(self, why: ImportStopped) -> None:
        """Stop the iterator and wake its reader; from any thread."""
        self._stopped = self._stopped or why
        self._pieces.put(None)

    async def _pump(self, request: Request, pieces: AsyncIterator[bytes]) -> None:
        """Put the pieces of the body into the queue, then wait for the end of the connection."""
        rate = UploadRate()
        try:
            while (piece := await rate.next_of(pieces)) is not None:
                await self._room.acquire()
                self._pieces.put(piece)
            self._pieces.put(None)
            await request.receive()
        except TooSlow:
            self.stop(ImportStopped("upload_too_slow"))
        except (ClientDisconnect, TimeoutError):
            pass
        finally:
            # Whatever ended it: nobody must wait for what will never come.
            self.stop(ImportStopped("upload_broken_off"))


async def in_thread(
    request: Request, pieces: AsyncIterator[bytes], work: Callable[[Incoming], T], *, limiter: CapacityLimiter
) -> T:
    """Run `work` in a thread on the rest of a request's body; the part that `work` does not read is left unread."""
    incoming = Incoming(asyncio.get_running_loop())
    pump = asyncio.create_task(incoming._pump(request, pieces))
    try:
        return await to_thread.run_sync(work, incoming, limiter=limiter)
    finally:
        pump.cancel()
