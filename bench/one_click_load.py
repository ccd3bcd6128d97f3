"""`python -m bench.one_click_load PORT RATE < TOKENS`: one-click requests at a steady rate, each timed; prints JSON.

A request is due at its moment whether or not those before it are answered, and its time runs from that moment: a
listener that stops for a second makes all requests of that second late, as it would for mail providers.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator

import uvloop

#: Connections that the requests are spread over, kept open as mail providers' proxies do.
CONNECTIONS = 20
_BODY = b"List-Unsubscribe=One-Click"


def request(token: str) -> bytes:
    """The octets of a one-click request (RFC 8058)."""
    return (
        f"POST /u/{token} HTTP/1.1\r\nHost: mail.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(_BODY)}\r\n\r\n"
    ).encode() + _BODY


async def ask(port: int, due: Iterator[tuple[float, bytes]], took: list[float], wrong: list[bytes]) -> None:
    """One connection's share of the requests."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for moment, octets in due:
        await asyncio.sleep(moment - time.perf_counter())
        writer.write(octets)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        took.append(time.perf_counter() - moment)
        if not head.startswith(b"HTTP/1.1 200 "):
            wrong.append(head[:40])
    writer.close()


async def load(port: int, rate: float, tokens: list[str]) -> dict[str, object]:
    """Ask for all tokens; milliseconds of the median, of 99 of 100, and of the slowest."""
    took: list[float] = []
    wrong: list[bytes] = []
    begin = time.perf_counter() + 0.5
    due = [(begin + number / rate, request(token)) for number, token in enumerate(tokens)]
    await asyncio.gather(*(ask(port, iter(due[place::CONNECTIONS]), took, wrong) for place in range(CONNECTIONS)))
    took.sort()
    at = {
        name: 1000 * took[min(len(took) - 1, int(share * len(took)))] for name, share in (("p50", 0.5), ("p99", 0.99))
    }
    return {**at, "slowest": 1000 * took[-1], "requests": len(took), "wrong": [one.decode() for one in wrong[:3]]}


def main(port: str, rate: str) -> None:
    tokens = sys.stdin.read().split()
    print(json.dumps(uvloop.run(load(int(port), float(rate), tokens))))


if __name__ == "__main__":
    main(*sys.argv[1:])
