"""The result of one sender, and the measurement of a sending process."""

from __future__ import annotations

import json
import os
import re
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

#: The last argument of a sender that has to report that it is ready, and to wait for a line on stdin.
WAIT = "wait"


@dataclass(kw_only=True)
class SenderResult:
    """`messages` in `seconds` of wall clock, with the CPU seconds of the sending process alone."""

    messages: int
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    #: Highest resident size of a sending process, in MB; None where it was not measured.
    peak_mb: float | None = None

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    @property
    def cpu_per_1000(self) -> float:
        return self.cpu_seconds / self.messages * 1000


def best(rounds: Sequence[SenderResult]) -> SenderResult:
    """The best of some rounds: machines are shared and noisy, so the best round is what the program can do."""
    return max(rounds, key=lambda one: one.rate)


def median_rate(rounds: Sequence[SenderResult]) -> float:
    """The median rate of some rounds."""
    return statistics.median(one.rate for one in rounds)


def _used() -> float:
    kinds = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in kinds)


@contextmanager
def measured(messages: int) -> Iterator[SenderResult]:
    """Measure a block of a sending process: wall clock, CPU with that of ended children, memory."""
    result = SenderResult(messages=messages)
    cpu, start = _used(), time.perf_counter()
    yield result
    result.seconds = time.perf_counter() - start
    result.cpu_seconds = _used() - cpu
    result.peak_mb = _peak_mb()


def _peak_mb() -> float | None:
    """Highest resident size of this process in MB. (ru_maxrss would begin with the parent's size at the fork.)"""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    except OSError:
        return None
    return int(found[1]) / 1024 if found else None


def measured_child(messages: int, command: Sequence[str]) -> SenderResult:
    """Run a foreign program and measure its own CPU, by wait4. Raises RuntimeError when the program fails.

    Its memory stays unknown: in its `ru_maxrss` the kernel counts the pages of the process that started the program.
    """
    start = time.perf_counter()
    with tempfile.TemporaryFile() as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        if process.returncode:
            raise RuntimeError(f"{command[0]} failed: {output.read().decode(errors='replace').strip()[-1000:]}")
    return SenderResult(messages=messages, seconds=seconds, cpu_seconds=used.ru_utime + used.ru_stime)


def say(result: SenderResult) -> None:
    """Print a measurement for the process that started this one."""
    print(json.dumps(asdict(result)), flush=True)


def run_sender(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> SenderResult:
    """Run a sender in a process of its own, whose last line of output is the measurement. Raises RuntimeError."""
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=cwd, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:3])} failed: {(done.stderr or done.stdout).strip()[-1000:]}")
    return SenderResult(**json.loads(done.stdout.strip().splitlines()[-1]))


def run_side_by_side(commands: Sequence[Sequence[str]]) -> SenderResult:
    """Run senders that wait for a line on stdin, all at once. Raises RuntimeError when one fails.

    `seconds` is from the start signal until the last sender has reported; CPU is the sum, memory that of the largest.
    """
    with ExitStack() as stack:
        errors = stack.enter_context(tempfile.TemporaryFile())
        senders = [stack.enter_context(_ended_at_the_latest(_waiting_sender(command, errors))) for command in commands]
        for sender in senders:
            _line(sender, errors)
        began = time.perf_counter()
        for sender in senders:
            assert sender.stdin is not None
            sender.stdin.write(b"\n")
            sender.stdin.flush()
        parts = [SenderResult(**json.loads(_line(sender, errors))) for sender in senders]
        seconds = time.perf_counter() - began
    return SenderResult(
        messages=sum(one.messages for one in parts),
        seconds=seconds,
        cpu_seconds=sum(one.cpu_seconds for one in parts),
        peak_mb=max((one.peak_mb for one in parts if one.peak_mb is not None), default=None),
    )


def _waiting_sender(command: Sequence[str], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*command, WAIT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)


@contextmanager
def _ended_at_the_latest(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    with process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def _line(sender: subprocess.Popen[bytes], errors: IO[bytes]) -> bytes:
    assert sender.stdout is not None
    line = sender.stdout.readline()
    if not line:
        errors.seek(0)
        raise RuntimeError(f"a sender failed: {errors.read().decode(errors='replace').strip()[-1000:]}")
    return line
