"""Ten times and a hundred times the audience: time a message in the sending processes, and their memory."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from bench.figure import Bar, Figure
from bench.mailing import mailing
from bench.sent import Sent
from bench.sink import smtp_sink

if TYPE_CHECKING:
    from bench.context import Bench

#: Percent by which the time a message may grow from the smallest audience to the largest.
GROWTH_BAR = 15.0
#: MB of a sending process.
MEMORY_BAR = 300.0


def measure(bench: Bench) -> list[Figure]:
    sizes = bench.sizes
    found: dict[int, list[Sent]] = {}
    with smtp_sink() as sink:
        for recipients in _order(dict(zip(sizes.audiences, sizes.repeats, strict=True))):
            with bench.server.database() as dsn, mailing(dsn, recipients) as ready:
                bench.server.checkpoint()
                sent = _together(ready.send(sink.port))
            found.setdefault(recipients, []).append(sent)
            bench.progress(f"  {recipients:,} recipients: {microseconds(sent):.0f} us a message")
    return figures(found, full_size=not sizes.quick)


def _order(repeats: dict[int, int]) -> list[int]:
    """Round after round, so that what else the machine does while this goes on meets all sizes."""
    return [
        recipients for turn in range(max(repeats.values())) for recipients, count in repeats.items() if turn < count
    ]


def _together(chunks: list[Sent]) -> Sent:
    return Sent(
        messages=sum(one.messages for one in chunks),
        seconds=sum(one.seconds for one in chunks),
        cpu_seconds=sum(one.cpu_seconds for one in chunks),
        peak_mb=max(one.peak_mb for one in chunks),
    )


def microseconds(sent: Sent) -> float:
    """Wall clock time a message."""
    return sent.seconds / sent.messages * 1e6


def figures(found: dict[int, list[Sent]], *, full_size: bool) -> list[Figure]:
    """Time by size of the audience (the median of its repetitions), the growth over all, the memory."""
    times = {recipients: statistics.median(map(microseconds, sent)) for recipients, sent in found.items()}
    cpu = {recipients: min(one.cpu_per_1000 for one in sent) for recipients, sent in found.items()}
    memory = {recipients: max(one.peak_mb for one in sent) for recipients, sent in found.items()}
    smallest, largest = min(found), max(found)
    result = [
        Figure(
            what=f"time a message, {recipients:,} recipients",
            value=time,
            unit="us",
            data={"recipients": recipients},
            note=f"CPU of the sending process {cpu[recipients] * 1000:.0f} us",
        )
        for recipients, time in times.items()
    ]
    return [
        *result,
        Figure(
            what=f"growth from {smallest:,} to {largest:,} recipients",
            value=(times[largest] / times[smallest] - 1) * 100,
            unit="%",
            bar=Bar(limit=GROWTH_BAR),
            full_size=full_size,
            note="wall clock of send_chunk in chunks of 50,000, one process a chunk; medians",
        ),
        Figure(
            what="memory of a sending process, at most",
            value=max(memory.values()),
            unit="MB",
            bar=Bar(limit=MEMORY_BAR),
            full_size=full_size,
            note=", ".join(f"{recipients:,}: {megabytes:.0f} MB" for recipients, megabytes in memory.items()),
        ),
    ]
