"""`python -m bench.arrivals PORT`: a mail server that notes when it took each message; prints JSON when its stdin ends.

The moments (`time.time`) at which the 250 behind the final dot was written, by the number in the subject.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import cast

import uvloop

from bench.one_click_load import step_forward

_NUMBER = re.compile(rb"^Subject: [^\r\n]*?(\d+)\r$", re.MULTILINE)
_DOT = b"\r\n.\r\n"


class Session(asyncio.Protocol):
    """One connection; takes everything, and understands pipelining."""

    def __init__(self, arrived: dict[int, float]) -> None:
        self._arrived = arrived
        self._heard, self._content = b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(b"220 arrivals ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._heard += data
        while True:
            mark = _DOT if self._content else b"\r\n"
            line, end, rest = self._heard.partition(mark)
            if not end:
                return
            self._heard = rest
            self._transport.write(self._taken(line) if self._content else self._answer(line[:4].upper()))

    def _taken(self, content: bytes) -> bytes:
        self._content = False
        if found := _NUMBER.search(content):
            self._arrived[int(found[1])] = time.time()
        return b"250 2.0.0 taken\r\n"

    def _answer(self, verb: bytes) -> bytes:
        if verb == b"EHLO":
            return b"250-arrivals\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
        if verb == b"DATA":
            self._content = True
            return b"354 go on\r\n"
        return b"221 2.0.0 bye\r\n" if verb == b"QUIT" else b"250 2.0.0 fine\r\n"


async def serve(port: int) -> dict[int, float]:
    """Take mail until stdin ends."""
    arrived: dict[int, float] = {}
    server = await asyncio.get_running_loop().create_server(lambda: Session(arrived), "127.0.0.1", port)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()
    return arrived


def main(port: str) -> None:
    step_forward()
    print(json.dumps(uvloop.run(serve(int(port)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
