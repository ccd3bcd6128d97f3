"""A fast SMTP server that takes everything and remembers who got what: the judge of "none lost, none twice"."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable


class RecordingServer:
    """Listens on a free port of `host` in a thread of its own. `refuse` may answer RCPT with a reply of its own.

    Whom `hang_up` names gets the mail, and the client gets no answer: the connection is gone. Without `keeps_contents`
    only the addresses are remembered: for mailings whose mail does not fit into memory.
    """

    def __init__(
        self,
        refuse: Callable[[str], bytes | None] | None = None,
        delay: float = 0.0,
        hang_up: Callable[[str], bool] | None = None,
        *,
        host: str = "127.0.0.1",
        keeps_contents: bool = True,
    ) -> None:
        self.host = host
        self._keeps_contents = keeps_contents
        self.accepted: Counter[str] = Counter()
        #: When each recipient's newest message was accepted: seconds of time.monotonic().
        self.accepted_at: dict[str, float] = {}
        self.contents: dict[str, bytes] = {}
        self.refuse = refuse
        self.hang_up = hang_up
        #: Seconds before the reply to the final dot.
        self.delay = delay
        #: Mailings that get it without a delay: what stands before the number in addresses (World.group).
        self.at_once: set[str] = set()
        #: Number of connections above which a new one is refused, as by a relay with a limit; None: no limit.
        self.most_connections: int | None = None
        self.port = 0
        self._dialogues: set[_Dialogue] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def uri(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        return len(self._dialogues)

    @property
    def total(self) -> int:
        return sum(self.accepted.values())

    def __enter__(self) -> RecordingServer:
        # Never listens: while we are away, nobody else gets the port.
        self._place = _bound_socket(self.host, self.port)
        self.port = self._place.getsockname()[1]
        self._thread.start()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()
        self._place.close()

    def hang_up_all(self) -> None:
        """Every connection is gone, whatever was waited for."""
        asyncio.run_coroutine_threadsafe(self._hang_up_all(), self._loop).result(60)

    async def _hang_up_all(self) -> None:
        for dialogue in list(self._dialogues):
            dialogue.transport.abort()

    def start(self) -> None:
        """Serve, again after a `stop`, on the same port."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(60)

    def stop(self) -> None:
        """Be away: cut all connections, refuse new ones. What was accepted stays accepted."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(60)

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(lambda: _Dialogue(self), sock=_bound_socket(self.host, self.port))

    async def _close(self) -> None:
        # A connection that asyncio has accepted when its server is closed, and not begun, would stay open in silence
        # for ever: those come first, and the kernel refuses the ones behind them.
        for listening in self._server.sockets:
            self._loop.remove_reader(listening.fileno())
        for _ in range(3):
            await asyncio.sleep(0)
        self._server.close()
        for dialogue in list(self._dialogues):
            dialogue.transport.abort()
        await asyncio.sleep(0)


def _bound_socket(host: str, port: int) -> socket.socket:
    # With its protocol named: asyncio turns Nagle's algorithm off only then, and each message would take 40 ms.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # Two sockets share the port: the one that holds it and the one that listens.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((host, port))
    return bound


class _Dialogue(asyncio.Protocol):
    def __init__(self, server: RecordingServer) -> None:
        self.server = server
        self.buffer = b""
        self.recipient = ""
        self.in_data = False
        self.waiting = False

    def connection_made(self, transport) -> None:
        self.transport = transport
        most = self.server.most_connections
        if most is not None and len(self.server._dialogues) >= most:
            transport.write(b"421 4.7.0 too many connections\r\n")
            transport.close()
            return
        self.server._dialogues.add(self)
        transport.write(b"220 recording ESMTP\r\n")

    def connection_lost(self, exc) -> None:
        self.server._dialogues.discard(self)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self._read()

    def _read(self) -> None:
        # Replies keep the order of the commands: nothing is read while the reply to a final dot is delayed.
        while not self.waiting:
            end = b"\r\n.\r\n" if self.in_data else b"\r\n"
            head, found, tail = self.buffer.partition(end)
            if not found:
                return
            self.buffer = tail
            if self.in_data:
                self.in_data = False
                self._accept(head)
            else:
                self._command(head)

    def _accept(self, content: bytes) -> None:
        # In this order: whoever finds one counted finds its moment and its content.
        self.server.accepted_at[self.recipient] = time.monotonic()
        if self.server._keeps_contents:
            self.server.contents[self.recipient] = content.replace(b"\r\n..", b"\r\n.")
        self.server.accepted[self.recipient] += 1
        if self.server.hang_up and self.server.hang_up(self.recipient):
            self.waiting = True
            self.transport.abort()
        elif self.server.delay and self.recipient.rpartition("-")[0] not in self.server.at_once:
            self.waiting = True
            asyncio.get_running_loop().call_later(self.server.delay, self._taken)
        else:
            self._reply(b"250 2.0.0 taken")

    def _taken(self) -> None:
        self.waiting = False
        self._reply(b"250 2.0.0 taken")
        self._read()

    def _reply(self, line: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(line + b"\r\n")

    def _command(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb == b"EHLO":
            self._reply(b"250-recording\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 20000000")
        elif verb == b"RCPT":
            self.recipient = line.partition(b"<")[2].partition(b">")[0].decode()
            refusal = self.server.refuse(self.recipient) if self.server.refuse else None
            self.refused = refusal is not None
            self._reply(refusal or b"250 2.1.5 ok")
        elif verb == b"DATA":
            if self.refused:
                self._reply(b"554 5.5.1 no valid recipients")
            else:
                self.in_data = True
                self._reply(b"354 go on")
        elif verb == b"QUIT":
            self._reply(b"221 bye")
            self.transport.close()
        else:
            self._reply(b"250 ok")
