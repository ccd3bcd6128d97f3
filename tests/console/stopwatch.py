"""How long a page takes, on a machine that has other things to do.

On a quiet machine that is what a clock says. Where other processes kept all cores busy meanwhile, a clock measures
those: then it is the processor time of this process and of PostgreSQL, less what busy cores take from each other.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import NamedTuple

import psutil

from tests.postgres_server import PostgresServer

#: Of all cores together: less than this was idle when the machine was busy.
BUSY = 0.2
#: Cores that are all busy share caches and memory: the same work takes up to half as long again.
SHARED = 1.5


class _Moment(NamedTuple):
    clock: float
    processor: float
    idle: float


class Stopwatch:
    """Takes the time of calls that this process and a PostgreSQL server answer."""

    def __init__(self, postgres: PostgresServer) -> None:
        pid = int((postgres.folder / "data" / "postmaster.pid").read_text().split()[0])
        self._postgres = psutil.Process(pid)

    def best(self, call: Callable[[], object], *, limit: float, tries: int = 10) -> float:
        """Seconds of the quickest of some tries; the first one within the limit is enough."""
        took = float("inf")
        for _ in range(tries):
            took = min(took, self.seconds(call))
            if took < limit:
                break
        return took

    def seconds(self, call: Callable[[], object]) -> float:
        """Seconds of one call."""
        # A full collection looks at all that the tests hold: that is none of the page's time.
        gc.disable()
        try:
            before = self._now()
            call()
            after = self._now()
        finally:
            gc.enable()
        clock = after.clock - before.clock
        idle = (after.idle - before.idle) / (clock * (psutil.cpu_count() or 1))
        return min(clock, (after.processor - before.processor) / SHARED) if idle < BUSY else clock

    def _now(self) -> _Moment:
        machine = psutil.cpu_times()
        return _Moment(time.perf_counter(), time.process_time() + self._of_postgres(), machine.idle)

    def _of_postgres(self) -> float:
        total = 0.0
        for process in (self._postgres, *self._postgres.children()):
            try:
                used = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += used.user + used.system + used.children_user + used.children_system
        return total
