"""`python -m bench.click_load PORT RATE < PATHS`: clicks and opens at a steady rate, each timed; prints JSON.

A request is due at its moment whether or not those before it are answered, and its time runs from that moment. With a
RATE of 0 each connection asks again as soon as it is answered. As one_click_load.py the process has precedence.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import cast

import uvloop

from bench.one_click_load import at, step_forward

#: Connections that the requests are spread over.
CONNECTIONS = 40
_AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"


def request(path: str, number: int) -> bytes:
    """The octets of a request, as a proxy passes it on."""
    client = f"{10 + number % 90}.{number >> 8 & 255}.{number & 255}.{number % 250}"
    return (
        f"GET {path} HTTP/1.1\r\nHost: mail.example.com\r\nUser-Agent: {_AGENT}\r\nAccept: text/html,*/*;q=0.8\r\n"
        f"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, br\r\nX-Forwarded-For: {client}\r\n\r\n"
    ).encode()


class Connection(asyncio.Protocol):
    """One connection's share of the requests, one after the other."""

    def __init__(self, due: Sequence[tuple[float, bytes]], took: list[float], wrong: list[bytes]) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self._due = iter(due)
        self._took, self._wrong = took, wrong
        self._moment = 0.0
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's class is no subclass
        self._next()

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, end, body = self._heard.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]):
            return
        self._took.append(time.perf_counter() - self._moment)
        if not head.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 302 ")):
            self._wrong.append(head[:40])
        self._heard = b""
        self._next()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self._wrong.append(b"the connection was closed")
            self.done.set_result(None)

    def _next(self) -> None:
        moment, octets = next(self._due, (0.0, b""))
        if not octets:
            self.done.set_result(None)
            self._transport.close()
            return
        now = time.perf_counter()
        if moment > now:
            asyncio.get_running_loop().call_later(moment - now, self._ask, moment, octets)
        else:
            self._ask(moment or now, octets)

    def _ask(self, moment: float, octets: bytes) -> None:
        self._moment = moment
        self._transport.write(octets)


async def load(port: int, rate: float, paths: list[str]) -> dict[str, object]:
    """Ask for all paths; requests a second, milliseconds of the median, of 99 of 100, and of the slowest."""
    took: list[float] = []
    wrong: list[bytes] = []
    asked = [request(path, number) for number, path in enumerate(paths)]
    begin = time.perf_counter() + 0.5
    due = [(begin + number / rate if rate else 0.0, octets) for number, octets in enumerate(asked)]
    loop = asyncio.get_running_loop()
    ends = []
    began, cpu = time.perf_counter(), time.process_time()
    for place in range(CONNECTIONS):
        share = due[place::CONNECTIONS]
        _, one = await loop.create_connection(lambda share=share: Connection(share, took, wrong), "127.0.0.1", port)
        ends.append(one.done)
    await asyncio.gather(*ends)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {
        "p50": at(0.5, took),
        "p99": at(0.99, took),
        "slowest": at(1, took),
        "rate": len(took) / seconds,
        "requests": len(took),
        "cpu": cpu,
        "wrong": [one.decode() for one in wrong[:3]],
    }


def main(port: str, rate: str) -> None:
    step_forward()
    paths = sys.stdin.read().split()
    print(json.dumps(uvloop.run(load(int(port), float(rate), paths))))


if __name__ == "__main__":
    main(*sys.argv[1:])
