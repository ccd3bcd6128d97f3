"""What one sender achieved."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(kw_only=True)
class Measured:
    """`messages` in `seconds` of wall clock, with the CPU seconds of the sending process alone."""

    name: str
    messages: int
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    note: str = ""

    @property
    def rate(self) -> float:
        return self.messages / self.seconds

    @property
    def cpu_per_1000(self) -> float:
        return self.cpu_seconds / self.messages * 1000


def cpu_of(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


@contextmanager
def measured(name: str, messages: int, *, who: int = resource.RUSAGE_SELF, note: str = "") -> Iterator[Measured]:
    """Measure a block by its wall clock and by the CPU of this process (or of its ended children)."""
    result = Measured(name=name, messages=messages, note=note)
    cpu, start = cpu_of(who), time.perf_counter()
    yield result
    result.seconds = time.perf_counter() - start
    result.cpu_seconds = cpu_of(who) - cpu
