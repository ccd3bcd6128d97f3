"""The measure of single messages: what a copy of the API accepts, and how soon it has left.

The copy, PostgreSQL, the mail server and the clients share the machine. Beside it, in the same run, nodemailer's pool
behind a plain HTTP server of Node.js, which answers when the pool has the message in memory and keeps no record.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bench.api_process import Arrivals, Copy, arrivals, load, running
from bench.database import family_cpu
from bench.figure import Bar, Figure
from bench.mailing import Mailing, mailing
from bench.measures.one_click import send
from bench.one_click_load import at
from bench.peers import nodemailer
from bench.sink import smtp_sink

if TYPE_CHECKING:
    from bench.context import Bench

#: Connections of the clients; requests a second at a steady rate.
CONNECTIONS, RATE = 64, 200
#: Bars: accepted a second and milliseconds of 99 of 100; replays a second; seconds of a start; MB after all messages.
ACCEPTED, ACCEPTED_WITHIN, REPLAYED, START, MEMORY = 1_500, 60.0, 3_000, 2.0, 150.0
#: Milliseconds from the answer to the server's 250: of the median, of 99 of 100, and of 99 of 100 beside bulk mail.
MEDIAN, P99, BESIDE_BULK = 15.0, 150.0, 300.0
#: First numbers of the messages of each run.
WARM, FULL_SPEED, STEADY, PEER = 1, 1_000_000, 2_000_000, 3_000_000


def measure(bench: Bench) -> Iterator[Figure]:
    sizes = bench.sizes
    with smtp_sink() as sink, bench.server.database() as dsn, running(dsn, sink.port) as copy:
        yield Figure(what="start of a copy of the API", value=copy.start_seconds, unit="s", bar=Bar(limit=START))
        copy.load(rate=0, connections=CONNECTIONS, first=WARM, count=sizes.single // 20)
        bench.server.checkpoint()
        bench.progress(f"  {sizes.single:,} single messages, as fast as they are accepted …")
        cpu = bench.server.cpu_seconds(), family_cpu(copy.process)
        found = copy.load(rate=0, connections=CONNECTIONS, first=FULL_SPEED, count=sizes.single)
        used = bench.server.cpu_seconds() - cpu[0], family_cpu(copy.process) - cpu[1]
        peer = _peer_at_full_speed(sink.port, sizes.single)
        yield from _accepted(found, used, peer, sizes.single)
        bench.progress("  the same requests again, with a key of their own …")
        yield _replayed(copy, sizes.single // 4)
        yield _memory(copy, sizes.single)
    yield from _soon(bench)


def _accepted(found: dict[str, Any], used: tuple[float, float], peer: dict[str, Any], count: int) -> Iterator[Figure]:
    of_one = [1e3 * one / count for one in (*used, found["cpu"])]
    yield Figure(
        what=f"single messages accepted a second (on disk), one copy, {CONNECTIONS} connections",
        value=found["rate"],
        unit="messages/s",
        peer="nodemailer's pool behind Node's HTTP (in memory)",
        peer_value=peer["rate"],
        bar=Bar(limit=ACCEPTED, at_least=True),
        note=f"CPU of one, sending too: {of_one[1]:.2f} ms the API, {of_one[0]:.2f} ms PostgreSQL, {of_one[2]:.2f} ms"
        " the clients",
        data={name: one for name, one in found.items() if name != "at"},
    )
    yield Figure(
        what="the same: 99 of 100 answered within",
        value=found["p99"],
        unit="ms",
        peer="nodemailer's pool behind Node's HTTP (in memory)",
        peer_value=peer["p99"],
        bar=Bar(limit=ACCEPTED_WITHIN),
        note=f"median {found['p50']:.1f} ms, slowest {found['slowest']:.0f} ms",
    )


def _peer_at_full_speed(smtp_port: int, count: int) -> dict[str, Any]:
    with nodemailer.installed() as peer, peer.behind_http(smtp_port) as port:
        load(port, "/", 0, CONNECTIONS, PEER, count // 20)
        return load(port, "/", 0, CONNECTIONS, PEER, count)


def _replayed(copy: Copy, count: int) -> Figure:
    copy.load(rate=0, connections=CONNECTIONS, first=PEER, count=count, keys="bench-")
    found = copy.load(rate=0, connections=CONNECTIONS, first=PEER, count=count, keys="bench-")
    return Figure(
        what="idempotent replays a second",
        value=found["rate"],
        unit="answers/s",
        bar=Bar(limit=REPLAYED, at_least=True),
        note=f"99 of 100 in {found['p99']:.0f} ms",
    )


def _memory(copy: Copy, count: int) -> Figure:
    return Figure(
        what=f"memory of a copy after {count:,} messages and more",
        value=copy.memory,
        unit="MB",
        bar=Bar(limit=MEMORY),
    )


def _soon(bench: Bench) -> Iterator[Figure]:
    """How soon a message has left: alone, the peer's, and while bulk mail is sent."""
    seconds = bench.sizes.single_seconds
    count = int(RATE * seconds)
    with mailing(bench.server, bench.sizes.beside_single) as ready, smtp_sink() as sink:
        with arrivals() as server, running(ready.dsn, server.port) as copy:
            bench.progress(f"  {RATE} single messages a second for {seconds:.0f} s …")
            copy.load(rate=RATE, connections=CONNECTIONS, first=WARM, count=RATE)
            alone = _left(copy, server, STEADY, count)
        peer = _peer_soon(count)
        yield _figure("accepted to the server's 250, median", alone, "p50", MEDIAN, peer)
        yield _figure("accepted to the server's 250, 99 of 100", alone, "p99", P99, peer)
        with arrivals() as server, running(ready.dsn, server.port) as copy:
            copy.load(rate=RATE, connections=CONNECTIONS, first=WARM, count=RATE)
            bench.progress(f"  the same while {bench.sizes.beside_single:,} bulk messages are sent …")
            yield _beside_bulk(copy, server, ready, sink.port, count)


def _beside_bulk(copy: Copy, server: Arrivals, ready: Mailing, sink_port: int, count: int) -> Figure:
    sender = threading.Thread(target=send, args=(ready, sink_port))
    sender.start()
    time.sleep(1)
    found = _left(copy, server, STEADY, count)
    still = sender.is_alive()
    sender.join()
    note = "" if still else "; the bulk mail had left before the end"
    return _figure("the same while bulk mail is sent, 99 of 100", found, "p99", BESIDE_BULK, None, note=note)


def _peer_soon(count: int) -> dict[str, float]:
    with nodemailer.installed() as peer, arrivals() as server, peer.behind_http(server.port) as port:
        load(port, "/", RATE, CONNECTIONS, WARM, RATE)
        found = load(port, "/", RATE, CONNECTIONS, STEADY, count)
        return _times(found, server)


def _left(copy: Copy, server: Arrivals, first: int, count: int) -> dict[str, float]:
    found = copy.load(rate=RATE, connections=CONNECTIONS, first=first, count=count)
    return _times(found, server)


def _times(found: dict[str, Any], server: Arrivals) -> dict[str, float]:
    """Milliseconds from each answer to the server's 250. Raises RuntimeError when a message has not arrived."""
    time.sleep(2)
    arrived = server.moments()
    missing = [number for number in found["at"] if int(number) not in arrived]
    if missing:
        raise RuntimeError(f"{len(missing)} of {len(found['at'])} messages did not arrive within two seconds")
    took = sorted(max(0.0, arrived[int(number)] - moment) for number, moment in found["at"].items())
    shares = {"p50": 0.5, "p99": 0.99, "slowest": 1}
    return {**{name: at(share, took) for name, share in shares.items()}, "answered": found["p50"]}


def _figure(
    what: str, found: dict[str, float], which: str, bar: float, peer: dict[str, float] | None, *, note: str = ""
) -> Figure:
    return Figure(
        what=f"single message at {RATE} a second: {what}",
        value=found[which],
        unit="ms",
        peer="nodemailer's pool behind Node's HTTP (in memory)" if peer else "",
        peer_value=peer[which] if peer else None,
        bar=Bar(limit=bar),
        note=f"slowest {found['slowest']:.0f} ms; answered after {found['answered']:.1f} ms (median){note}",
    )
