"""The measure of the pages over a large ledger, and over two events of each of its messages."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench import messages
from bench.big_feedback import add_big_feedback
from bench.big_ledger import LARGEST, OFTEN, add_big_ledger
from bench.figure import Bar, Figure
from ses_ops.storage.connection import connected
from ses_ops.storage.tasks.overview import list_tasks

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from bench.context import Bench

#: Seconds that each list and page may take.
BAR = 0.3


def measure(bench: Bench) -> Iterator[Figure]:
    sizes = bench.sizes
    with bench.server.database() as dsn, connected(dsn) as conn:
        count = add_big_ledger(bench, conn, tasks=sizes.tasks, total=sizes.ledger)
        events = add_big_feedback(bench, conn, messages=count)
        size = f"{sizes.tasks:,} tasks, {count:,} messages, {events:,} events"
        bench.progress(f"  looking at {size} …")
        yield _figure(f"task list, its data ({size})", _listed(conn, sizes.looks), note="")
        yield _command(dsn, sizes.tasks, sizes.looks)
        looks = _page_looks(dsn, messages.address(count // 50 + 1), messages.address(1), sizes.looks)
        yield _page(looks, count)
        yield _slowest(looks)


def _timed(question: Callable[[], object], looks: int) -> list[float]:
    times = []
    for _ in range(looks):
        began = time.perf_counter()
        question()
        times.append(time.perf_counter() - began)
    return times


def _figure(what: str, times: Sequence[float], *, note: str) -> Figure:
    spread = f"median of {len(times)}; first {times[0]:.3f} s, slowest {max(times):.3f} s"
    return Figure(
        what=what,
        value=statistics.median(times),
        unit="s",
        bar=Bar(limit=BAR),
        note=f"{spread}; {note}" if note else spread,
    )


def _listed(conn: Connection, looks: int) -> list[float]:
    times = _timed(lambda: list_tasks(conn), looks)
    conn.rollback()
    return times


def _command(dsn: str, tasks: int, looks: int) -> Figure:
    """The time of the command `ses task list`, with the interpreter and its imports."""
    program = Path(sys.executable).with_name("ses")
    with tempfile.TemporaryDirectory(prefix="ses-bench-") as home:
        environment = {**os.environ, "AIRFLOW_CONN_SES_DB": dsn, "SES_HOME": home}

        def run(*arguments: str) -> str:
            done = subprocess.run(
                [str(program), *arguments], env=environment, capture_output=True, text=True, check=True
            )
            return done.stdout

        listed = len(json.loads(run("task", "list", "--json")))
        if listed != tasks:
            raise RuntimeError(f"ses task list shows {listed} of {tasks} tasks")
        times = _timed(lambda: run("task", "list"), looks)
        alone = statistics.median(_timed(lambda: run("--help"), looks))
    return _figure(
        f"`ses task list` of {tasks:,} tasks, the whole command",
        times,
        note=f"`ses --help` alone takes {alone:.3f} s",
    )


def _page_looks(dsn: str, rare: str, common: str, looks: int) -> dict[str, list[float]]:
    """Seconds of each read of a page, by the look. Raises RuntimeError."""
    with tempfile.TemporaryDirectory(prefix="ses-bench-") as home:
        done = subprocess.run(
            [sys.executable, "-m", "bench.page_process", LARGEST, OFTEN, rare, common, str(looks)],
            env={**os.environ, "AIRFLOW_CONN_SES_DB": dsn, "SES_HOME": home, "AIRFLOW_HOME": home},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"bench.page_process: {done.stderr.strip()[-1000:]}")
    for line in done.stderr.splitlines():
        print(line, file=sys.stderr)
    seconds: dict[str, list[float]] = json.loads(done.stdout.strip().splitlines()[-1])
    return seconds


def _page(looks: dict[str, list[float]], count: int) -> Figure:
    name, times = next(iter(looks.items()))
    return _figure(
        f"task page, its data ({name}: {count // 5:,} messages)",
        times,
        note="all that the page reads: line, counts, starts, chunks, attempts, failures, messages",
    )


def _slowest(looks: dict[str, list[float]]) -> Figure:
    name, times = max(looks.items(), key=lambda one: statistics.median(one[1]))
    others = sorted(((statistics.median(seconds), what) for what, seconds in looks.items()), reverse=True)
    return _figure(
        f"the slowest of {len(looks)} looks at pages ({name})",
        times,
        note="; ".join(f"{what} {seconds:.3f} s" for seconds, what in others[1:4]),
    )
