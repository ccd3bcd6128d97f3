"""A TCP proxy that delays every byte by a fixed time, and counts SMTP turns."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass


@dataclass
class Dialogue:
    """The traffic between the first MAIL and the last reply before QUIT, over all connections of the proxy."""

    #: Number of times that the client wrote after it had read from the server: each is a round trip of waiting.
    turns: int = 0
    #: time.monotonic() of the first MAIL and of the last reply, at the client's end.
    began: float | None = None
    ended: float | None = None
    bytes_from_client: int = 0
    client_spoke_last: bool = True
    quitting: bool = False

    def client_sent(self, data: bytes, now: float) -> None:
        self.bytes_from_client += len(data)
        if self.began is None and b"MAIL FROM:" in data.upper():
            self.began, self.turns, self.client_spoke_last = now, 0, False
        if data.upper().startswith((b"QUIT", b"RSET\r\nQUIT")):
            self.quitting = True
        if self.quitting:
            return
        if not self.client_spoke_last:
            self.turns += 1
        self.client_spoke_last = True

    def client_received(self, now: float) -> None:
        self.client_spoke_last = False
        if not self.quitting:
            self.ended = now

    @property
    def seconds(self) -> float:
        """Seconds that the messages took. Raises RuntimeError when no message passed."""
        if self.began is None or self.ended is None:
            raise RuntimeError("no message went through the proxy")
        return self.ended - self.began


class DelayProxy:
    """Listens on a free loopback port in a thread of its own; `delay` is seconds in each direction."""

    def __init__(self, target_port: int, delay: float) -> None:
        self.dialogue = Dialogue()
        self.port = 0
        self._target_port = target_port
        self._delay = delay
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="delay proxy", daemon=True)
        self._connections: set[asyncio.Task[None]] = set()

    def __enter__(self) -> DelayProxy:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        try:
            await asyncio.gather(self._carry(reader, far_writer, out=True), self._carry(far_reader, writer, out=False))
        except OSError:
            pass  # one side has closed: the other side is closed below, and the sender notices that by itself
        except asyncio.CancelledError:
            pass  # the proxy ends; asyncio would report the cancelled handler as an error
        finally:
            writer.close()
            far_writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, out: bool) -> None:
        """Carry one direction: bytes are read at once and written when due, so the delay never limits the bandwidth."""
        due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                moment, data = await due.get()
                await asyncio.sleep(max(0.0, moment - time.monotonic()))
                if not data:
                    if writer.can_write_eof():
                        writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()
                if not out:
                    self.dialogue.client_received(time.monotonic())

        delivering = asyncio.create_task(deliver())
        try:
            while True:
                data = await reader.read(65536)
                now = time.monotonic()
                if out and data:
                    self.dialogue.client_sent(data, now)
                due.put_nowait((now + self._delay, data))
                if not data:
                    break
            await delivering
        finally:
            delivering.cancel()
