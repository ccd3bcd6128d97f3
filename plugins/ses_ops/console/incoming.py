"""The body of a request as an iterator in another thread, while the event loop goes on serving everybody else.

Bytes wait in a short queue: when the reader is slow, the browser is made to wait, and memory stays as it is.
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Callable, Iterator
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from ses_ops.errors import ImportStopped

T = TypeVar("T")

#: Pieces that wait for the reader; a server hands out some 64 kB at a time.
DEPTH = 16
#: Seconds without a byte after which a browser is taken for gone: it would keep a transaction open.
SILENCE = 60.0


class Incoming:
    """The pieces of a body, in the thread that reads them. Raises ImportStopped when it is stopped."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        #: Whether the browser went away, before or after the last byte.
        self.gone = False
        self._loop = loop
        self._room = asyncio.Semaphore(DEPTH)
        self._pieces: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._stopped: ImportStopped | None = None

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
        """Wake the reader, who may wait for bytes that never come; from any thread."""
        self._stopped = self._stopped or why
        self._pieces.put(None)

    async def _pump(self, request: Request) -> None:
        """Hand over the body, then wait for the end of the connection."""
        pieces = request.stream()
        try:
            while True:
                async with asyncio.timeout(SILENCE):
                    piece = await anext(pieces, None)
                if piece is None:
                    break
                await self._room.acquire()
                self._pieces.put(piece)
            self._pieces.put(None)
            await request.receive()
        except (ClientDisconnect, TimeoutError):
            pass
        finally:
            # Whatever ended it: nobody must wait for what will never come.
            self.gone = True
            self.stop(ImportStopped("the connection to the browser broke off"))


async def in_thread(request: Request, work: Callable[[Incoming], T], *, limiter: CapacityLimiter) -> T:
    """Run `work` on a request's body in a thread of its own; what it does not read is left unread."""
    incoming = Incoming(asyncio.get_running_loop())
    pump = asyncio.create_task(incoming._pump(request))
    try:
        return await to_thread.run_sync(work, incoming, limiter=limiter)
    finally:
        pump.cancel()
