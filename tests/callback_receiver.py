"""A real HTTP server that takes callbacks and misbehaves on request."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

#: What an answer can be beside a status: nothing, the end of the connection, ten million octets, a head without end.
HANG, CLOSE, HUGE, DRIP = "hang", "close", "huge", "drip"


@dataclass
class Received:
    """One post."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    """The server. `answer` is a status, one of the words above, or (status, headers); or a function of the post."""

    answer: Any = 204
    posts: list[Received] = field(default_factory=list)
    port: int = 0
    connections: int = 0
    #: Octets that were sent of answers.
    answered: int = 0
    count: int = 0
    keep: bool = True
    #: Seconds that each answer takes.
    delay: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def wait_for(self, holds: Callable[[], object], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"not within {seconds} s; {len(self.posts)} posts"
            time.sleep(0.01)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        post = Received(path=first.split()[1], headers=headers, body=body, at=time.monotonic())
        self.count += 1
        if self.keep:
            self.posts.append(post)
        answer = self.answer(post) if callable(self.answer) else self.answer
        if self.delay:
            await asyncio.sleep(self.delay)
        return await self._say(answer, writer)

    async def _say(self, answer: Any, writer: asyncio.StreamWriter) -> bool:
        if answer == HANG:
            await asyncio.sleep(3600)
        if answer == CLOSE:
            return False
        if answer == HUGE:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n")
            for _ in range(1000):
                writer.write(b"x" * 10_000)
                await writer.drain()
                self.answered += 10_000
            return True
        if answer == DRIP:
            writer.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                writer.write(b"x: y\r\n")
                await writer.drain()
                await asyncio.sleep(0.2)
        status, more = answer if isinstance(answer, tuple) else (answer, {})
        text = more.pop("body", "") if more else ""
        lines = "".join(f"{name}: {value}\r\n" for name, value in more.items())
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(text)}\r\n{lines}\r\n{text}".encode())
        await writer.drain()
        return True


@contextmanager
def receiver(answer: Any = 204, **more: Any) -> Iterator[Receiver]:
    """A receiver in a thread of its own, at a free port of 127.0.0.1."""
    made, loop, ready = Receiver(answer=answer, **more), asyncio.new_event_loop(), threading.Event()
    servers: list[asyncio.Server] = []

    async def begin() -> None:
        server = await asyncio.start_server(made.serve, "127.0.0.1", made.port)
        servers.append(server)
        made.port = server.sockets[0].getsockname()[1]
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.create_task(begin())
        loop.run_forever()
        for server in servers:  # a test that listens again at this port finds it free
            server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
