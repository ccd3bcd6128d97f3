"""`python -m bench.message_load PORT PATH RATE CONNECTIONS FIRST COUNT [AUTHORIZATION] [KEYS]`: requests, each timed.

A request a single message, over connections that are kept; with a RATE of 0 each connection asks again as soon as it is
answered. Prints JSON; its `at` is the moment of each answer (`time.time`) by the number of its message, which is in the
subject, so that the moment of its arrival can be put beside it (arrivals.py). KEYS: how each Idempotency-Key begins.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from typing import cast

import uvloop

from bench.one_click_load import at, step_forward

SENDER, DOMAIN = "Example Shop <codes@codes.example.com>", "codes.example.com"


def body(number: int) -> bytes:
    """The JSON of a sign-in code."""
    text = f"Hello,\n\nyour sign-in code is {number % 1_000_000:06}. It is valid for ten minutes.\n\nExample Shop\n"
    message = {"from": SENDER, "to": f"person-{number}@people.example", "subject": f"Your code {number}", "text": text}
    return json.dumps(message).encode()


def request(path: str, number: int, authorization: str, keys: str) -> bytes:
    """The octets of a request."""
    content = body(number)
    head = [f"POST {path} HTTP/1.1", "Host: api.example.com", "Content-Type: application/json"]
    head += [f"Content-Length: {len(content)}"]
    head += [f"Authorization: {authorization}"] if authorization else []
    head += [f"Idempotency-Key: {keys}{number}"] if keys else []
    return "\r\n".join([*head, "", ""]).encode() + content


class Connection(asyncio.Protocol):
    """One connection's share of the requests, one after the other."""

    def __init__(self, due: Iterator[tuple[float, int, bytes]], load: Load) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self._due, self._load = due, load
        self._moment, self._number, self._heard = 0.0, 0, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's class is no subclass
        self._next()

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, end, content = self._heard.partition(b"\r\n\r\n")
        if not end or len(content) < int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]):
            return
        self._load.took.append(time.perf_counter() - self._moment)
        self._load.at[self._number] = time.time()
        if not head.startswith(b"HTTP/1.1 202 "):
            self._load.wrong.append(self._heard[:300])
        self._heard = b""
        self._next()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self._load.wrong.append(b"the connection was closed")
            self.done.set_result(None)

    def _next(self) -> None:
        moment, self._number, octets = next(self._due, (0.0, 0, b""))
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


class Load:
    """What became of the requests."""

    def __init__(self) -> None:
        self.took: list[float] = []
        self.at: dict[int, float] = {}
        self.wrong: list[bytes] = []


async def load(port: int, requests: list[tuple[int, bytes]], rate: float, connections: int) -> dict[str, object]:
    """Ask for all; requests a second, milliseconds of the median, of 99 of 100, and of the slowest."""
    found, loop, ends = Load(), asyncio.get_running_loop(), []
    begin = time.perf_counter() + 0.5
    due = [(begin + place / rate if rate else 0.0, *one) for place, one in enumerate(requests)]
    began, cpu = time.perf_counter(), time.process_time()
    for place in range(connections):
        share = iter(due[place::connections])
        _, one = await loop.create_connection(lambda share=share: Connection(share, found), "127.0.0.1", port)
        ends.append(one.done)
    await asyncio.gather(*ends)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {
        **{name: at(share, found.took) for name, share in (("p50", 0.5), ("p99", 0.99), ("slowest", 1))},
        "rate": len(found.took) / seconds,
        "requests": len(found.took),
        "cpu": cpu,
        "wrong": [one.decode(errors="replace") for one in found.wrong[:3]],
        "at": found.at if rate else {},
    }


def main(port: str, path: str, rate: str, connections: str, first: str, count: str, *more: str) -> None:
    step_forward()
    authorization, keys, *_ = [*more, "", ""]
    numbers = range(int(first), int(first) + int(count))
    requests = [(number, request(path, number, authorization, keys)) for number in numbers]
    print(json.dumps(uvloop.run(load(int(port), requests, float(rate), int(connections)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
