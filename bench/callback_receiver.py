"""`python -m bench.callback_receiver`: takes all callbacks; prints its port, then a count for each line of its input.

It is a process of its own, so that its work is not counted as the deliverer's.
"""

from __future__ import annotations

import asyncio
import sys

_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class _Taker(asyncio.Protocol):
    """Answers each request; a body has less octets than one read."""

    taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._octets = transport, b""

    def data_received(self, data: bytes) -> None:
        self._octets += data
        while (end := self._octets.find(b"\r\n\r\n")) >= 0:
            head = self._octets[:end].lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            if len(self._octets) < end + 4 + length:
                return
            self._octets = self._octets[end + 4 + length :]
            _Taker.taken += 1
            self._transport.write(_ANSWER)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Taker, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while True:
        await asyncio.to_thread(sys.stdin.readline)
        print(_Taker.taken, flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
