"""What one sender achieved, and how a sending process measures itself."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(kw_only=True)
class Sent:
    """`messages` in `seconds` of wall clock, with the CPU seconds of the sending process alone."""

    messages: int
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    #: Highest resident size of the process, in MB.
    peak_mb: float = 0.0

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    @property
    def cpu_per_1000(self) -> float:
        return self.cpu_seconds / self.messages * 1000


def best(rounds: Sequence[Sent]) -> Sent:
    """Machines are shared and noisy: the best of some rounds is what the program can do."""
    return max(rounds, key=lambda one: one.rate)


def median_rate(rounds: Sequence[Sent]) -> float:
    """The rate of the usual round."""
    return statistics.median(one.rate for one in rounds)


def _used(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


@contextmanager
def measured(messages: int, *, children_only: bool = False) -> Iterator[Sent]:
    """Measure a block: wall clock, and the CPU of this process with its ended children (or of those alone)."""
    result = Sent(messages=messages)
    kinds = (resource.RUSAGE_CHILDREN,) if children_only else (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    cpu, start = sum(map(_used, kinds)), time.perf_counter()
    yield result
    result.seconds = time.perf_counter() - start
    result.cpu_seconds = sum(map(_used, kinds)) - cpu
    result.peak_mb = max(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1024


def say(result: Sent) -> None:
    """Print a measurement for the process that started this one."""
    print(json.dumps(asdict(result)))


def run_sender(command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Sent:
    """Run a sender in a process of its own; it prints its measurement as the last line. Raises RuntimeError."""
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=cwd, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:3])} failed: {(done.stderr or done.stdout).strip()[-1000:]}")
    return Sent(**json.loads(done.stdout.strip().splitlines()[-1]))
