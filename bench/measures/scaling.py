"""The measure of time a message and memory, as the audience grows a hundredfold."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from bench.figure import Bar, Figure
from bench.mailing import Mailing, mailing
from bench.sent import SenderResult
from bench.sink import smtp_sink

if TYPE_CHECKING:
    from bench.context import Bench

#: Percent by which the time a message may grow from the smallest audience to the largest.
GROWTH_BAR = 15.0
#: MB that a sending process may use.
MEMORY_BAR = 300.0


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One mailing: microseconds of wall clock a message in each step, CPU seconds for 1 000, highest memory in MB."""

    freeze: float
    reserve: float
    send: float
    settle: float
    cpu_per_1000: float
    peak_mb: float

    @classmethod
    def of(cls, ready: Mailing, chunks: list[SenderResult]) -> Measured:
        """The figures of a mailing that was sent."""
        a_message = 1e6 / ready.recipients
        return cls(
            **{step: seconds * a_message for step, seconds in ready.step_seconds.items()},
            send=sum(one.seconds for one in chunks) * a_message,
            cpu_per_1000=sum(one.cpu_seconds for one in chunks) / ready.recipients * 1000,
            peak_mb=max(one.peak_mb or 0.0 for one in chunks),
        )

    @property
    def whole(self) -> float:
        """Microseconds a message of all steps together."""
        return self.freeze + self.reserve + self.send + self.settle

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {getattr(self, name):.1f}" for name in ("freeze", "reserve", "send", "settle"))
        return f"{parts}; CPU of the sending process {self.cpu_per_1000 * 1000:.0f} us"


def measure(bench: Bench) -> list[Figure]:
    sizes = bench.sizes
    found: dict[int, list[Measured]] = {}
    with smtp_sink() as sink:
        for recipients in _order(dict(zip(sizes.audiences, sizes.repeats, strict=True))):
            bench.progress(f"  {recipients:,} recipients …")
            with mailing(bench.server, recipients) as ready:
                one = Measured.of(ready, ready.send(sink.port))
            found.setdefault(recipients, []).append(one)
            bench.progress(f"  {recipients:,} recipients: {one.whole:.0f} us a message ({one})")
    return figures(found)


def _order(repeats: dict[int, int]) -> list[int]:
    """The sizes in interleaved rounds, so that other load of the machine meets all sizes."""
    return [
        recipients for turn in range(max(repeats.values())) for recipients, count in repeats.items() if turn < count
    ]


def _usual(repetitions: list[Measured]) -> Measured:
    """The median repetition by its whole time; of two the faster."""
    return sorted(repetitions, key=lambda one: one.whole)[(len(repetitions) - 1) // 2]


def figures(found: dict[int, list[Measured]]) -> list[Figure]:
    """Time by size of the audience (the median of its repetitions), the growth over all, the memory."""
    usual = {recipients: _usual(repetitions) for recipients, repetitions in found.items()}
    memory = {recipients: max(one.peak_mb for one in repetitions) for recipients, repetitions in found.items()}
    smallest, largest = min(found), max(found)
    return [
        *(
            Figure(
                what=f"time a message, {recipients:,} recipients",
                value=one.whole,
                unit="us",
                data={"recipients": recipients, **asdict(one)},
                note=str(one),
            )
            for recipients, one in usual.items()
        ),
        Figure(
            what=f"growth from {smallest:,} to {largest:,} recipients",
            value=(usual[largest].whole / usual[smallest].whole - 1) * 100,
            unit="%",
            bar=Bar(limit=GROWTH_BAR),
            note="freeze, reserve, send and settle together; of sending alone "
            f"{(usual[largest].send / usual[smallest].send - 1) * 100:.1f} %",
        ),
        Figure(
            what="memory of a sending process, at most",
            value=max(memory.values()),
            unit="MB",
            bar=Bar(limit=MEMORY_BAR),
            note=", ".join(f"{recipients:,}: {megabytes:.0f} MB" for recipients, megabytes in memory.items()),
        ),
    ]
