"""The measure of a mailing through Airflow, from the trigger by REST to finished."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.figure import Bar, Figure
from bench.mailing import mailing

if TYPE_CHECKING:
    from bench.airflow_stack import AirflowStack
    from bench.context import Bench

#: Share of the rate of the engine alone, in one process without Airflow.
BAR = 0.7
#: Seconds between two queries of the list.
_LOOK_EVERY = 0.05


def measure(bench: Bench) -> list[Figure]:
    sizes = bench.sizes
    stack = bench.stack
    recipients = sizes.whole_way
    name = f"whole-way-{recipients}"
    stack.add_scheduled(name, recipients=recipients)
    bench.progress(f"  {recipients:,} recipients, from the trigger in Airflow …")
    before = stack.sink.accepted()
    seconds, first = _triggered(stack, name)
    accepted = stack.sink.accepted() - before
    if accepted != recipients or stack.look(name).sent_count != recipients:
        raise RuntimeError(f"{accepted:,} of {recipients:,} messages arrived; the list says {stack.look(name)}")
    bench.progress(f"  finished after {seconds:.1f} s; now the engine alone, beside the idle stack …")
    with mailing(bench.server, recipients, chunk_size=recipients) as ready:
        bench.server.checkpoint()
        (alone,) = ready.send(stack.sink.port)
    return [
        Figure(
            what=f"the whole way, {recipients:,} recipients, from the trigger to finished",
            value=recipients / seconds,
            unit="messages/s",
            peer="the engine alone",
            peer_value=alone.rate,
            bar=Bar(limit=BAR, at_least=True, of_ratio=True),
            note=f"{seconds:.1f} s, the first message after {first:.1f} s; the engine alone {alone.seconds:.1f} s",
        )
    ]


def _triggered(stack: AirflowStack, name: str) -> tuple[float, float]:
    """Seconds until the task was finished, and until the first message was accepted."""
    before = stack.sink.accepted()
    first: list[float] = []
    began = time.monotonic()
    stack.trigger(name)

    def finished() -> bool:
        if not first and stack.sink.accepted() > before:
            first.append(time.monotonic() - began)
        return stack.look(name).status == "finished"

    stack.wait_until(finished, f"{name} to finish", every=_LOOK_EVERY)
    return time.monotonic() - began, first[0] if first else float("nan")
