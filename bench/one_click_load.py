"""`python -m bench.one_click_load PORT RATE < TOKENS`: one-click requests at a steady rate, each timed; prints JSON.

A request is due at its moment whether or not those before it are answered, and its time runs from that moment: a
listener that stops for a second makes all requests of that second late, as it would for mail providers.

Those have machines of their own. Here the requests come from a machine whose cores are full, and a process that waits
for a core would measure its own waiting: it has a session of its own (Linux shares cores among those) and, where the
system allows it, precedence. How late it wakes all the same is measured, and printed as `own`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

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


def step_forward() -> None:
    """Wait for a core as little as the system allows."""
    with suppress(OSError):  # it leads a session already
        os.setsid()
    with suppress(OSError, AttributeError):  # not allowed, or another system than Linux
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


@dataclass
class Times:
    """Seconds from each request's moment to its answer, those by which this process woke late, and wrong answers."""

    took: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    wrong: list[bytes] = field(default_factory=list)


async def ask(port: int, due: Iterator[tuple[float, bytes]], times: Times) -> None:
    """One connection's share of the requests."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for moment, octets in due:
        if (wait := moment - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
            times.own.append(time.perf_counter() - moment)
        writer.write(octets)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        times.took.append(time.perf_counter() - moment)
        if not head.startswith(b"HTTP/1.1 200 "):
            times.wrong.append(head[:40])
    writer.close()


async def load(port: int, rate: float, tokens: list[str]) -> dict[str, object]:
    """Ask for all tokens; milliseconds of the median, of 99 of 100, and of the slowest."""
    times = Times()
    begin = time.perf_counter() + 0.5
    due = [(begin + number / rate, request(token)) for number, token in enumerate(tokens)]
    await asyncio.gather(*(ask(port, iter(due[place::CONNECTIONS]), times) for place in range(CONNECTIONS)))
    return {
        "p50": at(0.5, times.took),
        "p99": at(0.99, times.took),
        "slowest": at(1, times.took),
        "own": at(0.99, times.own),
        "requests": len(times.took),
        "wrong": [one.decode() for one in times.wrong[:3]],
    }


def at(share: float, seconds: Sequence[float]) -> float:
    """Milliseconds that this share of some times does not exceed."""
    in_order = sorted(seconds)
    return 1000 * in_order[min(len(in_order) - 1, int(share * len(in_order)))] if in_order else 0.0


def main(port: str, rate: str) -> None:
    step_forward()
    tokens = sys.stdin.read().split()
    print(json.dumps(uvloop.run(load(int(port), float(rate), tokens))))


if __name__ == "__main__":
    main(*sys.argv[1:])
