"""The measure of round trips a message, on one connection with 50 ms of latency.

It is made with PIPELINING and without. No sender needs much CPU here, so all run at once, each through a proxy of its
own. The time runs from the first MAIL to the reply to the last message: banner, EHLO and QUIT cost time once a
connection, not once a message.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.delay_proxy import DelayProxy
from bench.figure import Bar, Figure
from bench.mailing import mailing
from bench.peers import nodemailer, smtp_source
from bench.sink import smtp_sink

if TYPE_CHECKING:
    from bench.context import Bench

#: Seconds of a round trip.
LATENCY = 0.050
#: The engine in Mode.ACROSS, as for servers known to bear it; then in Mode.GROUP, with two round trips.
ENGINE, GROUPED = "ses-ops", "ses-ops, commands after the reply"
#: Round trips a message with PIPELINING, of which 1.0 and 2.0 are the least possible.
BAR, GROUPED_BAR = 1.1, 2.1


@dataclass(frozen=True, kw_only=True)
class Far:
    """The result of one sender over the connection with latency."""

    rate: float
    #: Time a message in units of the latency.
    round_trips: float
    #: Number of waits for the server a message, counted without a clock.
    waits: float
    bytes_a_message: float


def measure(bench: Bench) -> list[Figure]:
    count = bench.sizes.far
    with (
        nodemailer.installed() as pool,
        mailing(bench.server, count) as ready,
        mailing(bench.server, count) as ready_grouped,
        mailing(bench.server, count) as ready_plain,
        smtp_sink() as sink,
        smtp_sink(pipelining=False) as sink_plain,
    ):
        bench.progress(f"  {count} messages each way, seven senders at once …")
        senders: list[tuple[str, int, Callable[[int], object]]] = [
            (ENGINE, sink.port, lambda port: ready.send(port, connections=1, pipelining="across")),
            (GROUPED, sink.port, lambda port: ready_grouped.send(port, connections=1)),
            (ENGINE, sink_plain.port, lambda port: ready_plain.send(port, connections=1)),
        ]
        for port in (sink.port, sink_plain.port):
            senders.append((nodemailer.NAME, port, lambda near: pool.send(near, count, connections=1)))
            senders.append((smtp_source.NAME, port, lambda near: smtp_source.send(near, count, connections=1)))
        with ThreadPoolExecutor(len(senders)) as threads:
            ways = [threads.submit(far, target, send, count) for _, target, send in senders]
        done = [(name, target == sink.port, way.result()) for (name, target, _), way in zip(senders, ways, strict=True)]
    found = {
        pipelining: {name: one for name, which, one in done if which is pipelining} for pipelining in (True, False)
    }
    return figures(found)


def far(target: int, send: Callable[[int], object], count: int) -> Far:
    """Let a sender reach `target` over a connection with latency."""
    with DelayProxy(target, LATENCY / 2) as proxy:
        send(proxy.port)
        seen = proxy.dialogue
        return Far(
            rate=count / seen.seconds,
            round_trips=seen.seconds / count / LATENCY,
            waits=seen.turns / count,
            bytes_a_message=seen.bytes_from_client / count,
        )


def figures(found: dict[bool, dict[str, Far]]) -> list[Figure]:
    """Ours against the bar and the best peer; `found` by PIPELINING offered or not, then by sender."""
    result = []
    for pipelining, senders in found.items():
        ours = senders[ENGINE]
        peer = min((name for name in senders if name not in (ENGINE, GROUPED)), key=lambda name: senders[name].waits)
        words = "with PIPELINING" if pipelining else "without PIPELINING"
        others = [f"{name} {one.waits:.2f}" for name, one in senders.items()]
        result.append(
            Figure(
                what=f"messages/s of one connection with {LATENCY * 1000:.0f} ms, {words}",
                value=ours.rate,
                unit="messages/s",
                peer=peer,
                peer_value=senders[peer].rate,
                data={
                    name: {"rate": one.rate, "round_trips": one.round_trips, "waits": one.waits}
                    for name, one in senders.items()
                },
                note=f"{ours.bytes_a_message:,.0f} bytes a message",
            )
        )
        if pipelining:
            result.append(
                Figure(
                    what=f"round trips a message, {words}",
                    value=ours.round_trips,
                    peer=peer,
                    peer_value=senders[peer].round_trips,
                    bar=Bar(limit=BAR),
                    note=f"waits for the server a message: {', '.join(others)}",
                )
            )
            result.append(
                Figure(
                    what=f"round trips a message, {words}, commands after the reply",
                    value=senders[GROUPED].round_trips,
                    peer=peer,
                    peer_value=senders[peer].round_trips,
                    bar=Bar(limit=GROUPED_BAR),
                    note=f"{senders[GROUPED].rate:.1f} messages/s: a server that is not known to bear more",
                )
            )
        else:
            # Compared by the waits, which have no noise: 4.01 against 4.00 by the clock would mean nothing.
            result.append(
                Figure(
                    what=f"waits for the server a message, {words}",
                    value=ours.waits,
                    peer=peer,
                    peer_value=senders[peer].waits,
                    bar=Bar(limit=1.0, of_ratio=True),
                    note=f"{', '.join(others)}; round trips by the clock {ours.round_trips:.2f}",
                )
            )
    return result
