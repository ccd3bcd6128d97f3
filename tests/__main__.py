"""`make test`: the parts of the tests (parts.py) side by side, each in a process of its own, and one summary of all.

    python -m tests [-n PROCESSES] [arguments of pytest ...]

With `-n 0`, or when a file or folder is named, it is plain pytest in one process, which `--pdb` and `-s` need.

Not pytest-xdist: its processes take each other's place in turn, so that the browser's event loop, Airflow and whatever
else was used once stay in all of them to the end; one was lost in mid-run, and the run waited for it without a word. A
process of ours runs one part and ends; what becomes of it is its exit code, and none outlives its limit (lost_run.py).
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.parts import BEHIND_PROXY, ONLY_FULL, REPOSITORY, Part, parts
from tests.run_guard import guarded, workers
from tests.sizes import FULL, STARTUP

#: Processes at once, and those of them that may have a stack: on two cores, which a stack leaves free half of the time.
#: With two stacks the last third of a run was stacks alone, one behind the other.
PROCESSES, STACKS = 4, 3
#: Seconds between two looks.
TICK = 0.1
#: pytest's exit codes for "all passed" and "there are no such tests".
FINE, NOTHING = 0, 5
#: The order in which pytest's own summary has them.
OUTCOMES = ("failed", "passed", "skipped", "deselected", "xfailed", "xpassed", "warnings", "error")

#: How the lines begin that pytest says before the first test.
BEGINNING = (
    "====",
    "platform ",
    "cachedir",
    "hypothesis profile",
    "rootdir",
    "configfile",
    "plugins",
    "timeout",
    "coll",
)


@dataclass
class RunningPart:
    """One process of pytest, whose progress is shown as it comes; the rest is kept until it has ended."""

    part: Part
    arguments: list[str]
    began: float = field(default_factory=time.monotonic)
    rest: list[str] = field(default_factory=list)
    #: Seconds of CPU of its processes, without servers that run apart from it, such as PostgreSQL.
    cpu: float = 0.0

    def __post_init__(self) -> None:
        command = [sys.executable, "-m", "pytest", *self.part.arguments, *self.arguments]
        # Each has its own memory of what failed: they write it at the same time.
        command += ["-o", f"cache_dir=.pytest_cache/{self.part.path.replace('/', '-').replace(' ', '-')}"]
        if sys.stdout.isatty():
            command.append("--color=yes")
        # Its modules are compiled once, not in every process that a test starts.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [STARTUP, os.environ.get("PYTHONPATH")]))
        environment |= self.part.environment
        self.process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        workers.add(self.process.pid)
        self._thread = threading.Thread(target=self._read, name=self.part.path, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            # A line of dots begins with its file; everything behind the first heading is the report.
            if not self.rest and _plain(line).startswith("tests/"):
                print(line, end="", flush=True)
            elif self.rest or _is_heading(line, but="test session starts") or not _is_of_the_beginning(line):
                self.rest.append(line)

    def has_ended(self) -> bool:
        """Whether its process has; then its exit code and its CPU are known."""
        pid, status, used = os.wait4(self.process.pid, os.WNOHANG)
        if pid:
            self.process.returncode = os.waitstatus_to_exitcode(status)
            self.cpu = used.ru_utime + used.ru_stime
        return bool(pid)

    def end(self) -> None:
        """It has ended: show its report if there is something to be told."""
        workers.discard(self.process.pid)
        self._thread.join()
        self.seconds = time.monotonic() - self.began
        told = [] if self.is_fine and not self.arguments else self.rest
        name = f" tests/{self.part.path} "
        print(f"{name:-^100}\n{''.join(told)}{self.closing}", flush=True)

    @property
    def is_fine(self) -> bool:
        return self.process.returncode in (FINE, NOTHING)

    @property
    def closing(self) -> str:
        """pytest's last line, or what became of the process."""
        last = _plain(self.rest[-1]).strip("= \n") if self.rest else ""
        return last if " in " in last else f"LOST: it ended with {self.process.returncode} and without a summary"

    @property
    def counts(self) -> Counter[str]:
        """Of each outcome; a process that was lost is an error."""
        counted: Counter[str] = Counter()
        for number, outcome in re.findall(r"(\d+) (\w+)", self.closing.partition(" in ")[0]):
            counted[{"errors": "error", "warning": "warnings"}.get(outcome, outcome)] += int(number)
        if not self.is_fine and not counted["failed"] + counted["error"]:
            counted["error"] += 1
        return counted

    @property
    def summary(self) -> list[str]:
        """The lines that say what failed."""
        lines = [line for line in self.rest if _plain(line).startswith(("FAILED ", "ERROR "))]
        return lines or ([] if self.is_fine else [f"ERROR tests/{self.part.path} - {self.closing}\n"])


def main() -> None:
    """Do what the command line asks for, and end the process."""
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    options.add_argument("-n", type=int, default=PROCESSES)
    known, arguments = options.parse_known_args()
    if known.n == 0 or any(Path(one.partition("::")[0]).exists() for one in arguments):
        named = arguments if known.n else ["tests", *arguments]
        os.execv(sys.executable, [sys.executable, "-m", "pytest", *named])
    sys.exit(guarded(lambda: _run(known.n, arguments)))


def _run(processes: int, arguments: list[str]) -> int:
    began = time.monotonic()
    ended = _run_all(processes, arguments)
    return _summarize(ended, time.monotonic() - began)


def _run_all(processes: int, arguments: list[str]) -> list[RunningPart]:
    waiting = [*parts(), BEHIND_PROXY] if FULL else [one for one in parts() if one.path not in ONLY_FULL]
    running, ended = list[RunningPart](), list[RunningPart]()
    while waiting or running:
        for one in [one for one in running if one.has_ended()]:
            running.remove(one)
            ended.append(one)
            one.end()
        stacks = sum(one.part.has_stack for one in running)
        fits = [one for one in waiting if stacks < STACKS or not one.has_stack]
        if fits and len(running) < processes:
            waiting.remove(fits[0])
            running.append(RunningPart(fits[0], arguments))
        else:
            time.sleep(TICK)
    return ended


def _summarize(ended: list[RunningPart], seconds: float) -> int:
    """The closing lines, as pytest has them, over all parts."""
    counts = sum((one.counts for one in ended), Counter[str]())
    print(f"{' all parts ':=^100}")
    for one in sorted(ended, key=lambda one: -one.seconds):
        print(f"{one.seconds:7.1f} s {one.cpu:7.1f} s CPU  tests/{one.part.path}: {one.closing}")
    print(*(line for one in ended for line in one.summary), sep="", end="")
    told = ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome]) or "no tests ran"
    last = f" {told} in {seconds:.2f}s ({int(seconds) // 60}:{int(seconds) % 60:02}) "
    print(f"{last:=^100}", flush=True)
    if not all(one.is_fine for one in ended):
        return 1
    return NOTHING if all(one.process.returncode == NOTHING for one in ended) else FINE


def _plain(line: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", line)


def _is_heading(line: str, *, but: str) -> bool:
    return _plain(line).startswith("====") and but not in line


def _is_of_the_beginning(line: str) -> bool:
    """What pytest says of itself before the first test."""
    return not _plain(line).strip() or _plain(line).startswith(BEGINNING)


if __name__ == "__main__":
    os.chdir(REPOSITORY)
    main()
