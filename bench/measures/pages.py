"""The send task list, and what a task's page shows, over 1 000 tasks and a large ledger."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import mailing, messages
from bench.big_ledger import LARGEST, add_big_ledger
from bench.figure import Bar, Figure
from ses_ops.domain.warmup import parse_quota_variable, plan_for
from ses_ops.storage import quota_overview
from ses_ops.storage.connection import connected
from ses_ops.storage.message_list import MessageSearch, all_messages
from ses_ops.storage.overview import list_tasks
from ses_ops.storage.send_tasks import find_row

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from bench.context import Bench

#: Seconds.
BAR = 0.3
_TIMES = 7
_STATUSES = ("queued", "sending", "sent", "failed", "suppressed", "cached", "unknown")
#: Messages on a page.
_LIMIT = 100


def measure(bench: Bench) -> list[Figure]:
    sizes = bench.sizes
    full_size = not sizes.quick
    with bench.server.database() as dsn, connected(dsn) as conn:
        count = add_big_ledger(bench, conn, tasks=sizes.tasks, total=sizes.ledger)
        size = f"{sizes.tasks:,} tasks, {count:,} messages"
        bench.progress(f"  looking at {size} …")
        found = [
            _figure(f"task list, its data ({size})", lambda: list_tasks(conn), conn, full_size=full_size),
            _command(dsn, sizes.tasks, full_size=full_size),
            _figure("task page, its data", lambda: _page(conn), conn, full_size=full_size),
        ]
        slowest = max((_look_up(conn, look) for look in _looks()), key=lambda one: one[1])
    found.append(
        Figure(
            what=f"a task's messages, the slowest look-up ({slowest[0]})",
            value=slowest[1],
            unit="s",
            bar=Bar(limit=BAR),
            full_size=full_size,
            note=f"{_LIMIT} messages of a task of {count // 5:,}, by each status, by address and by a part of one",
        )
    )
    return found


def _timed(question: Callable[[], object]) -> list[float]:
    times = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        question()
        times.append(time.perf_counter() - began)
    return times


def _figure(what: str, question: Callable[[], object], conn: Connection, *, full_size: bool) -> Figure:
    times = _timed(question)
    conn.rollback()
    note = f"median of {_TIMES}; first {times[0]:.3f} s, slowest {max(times):.3f} s"
    return Figure(
        what=what, value=statistics.median(times), unit="s", bar=Bar(limit=BAR), full_size=full_size, note=note
    )


def _command(dsn: str, tasks: int, *, full_size: bool) -> Figure:
    """`ses task list` as a person waits for it: the interpreter and its imports included."""
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
        times = _timed(lambda: run("task", "list"))
        alone = statistics.median(_timed(lambda: run("--help")))
    return Figure(
        what="`ses task list`, the whole command",
        value=statistics.median(times),
        unit="s",
        full_size=full_size,
        note=f"median of {_TIMES}; `ses --help` alone takes {alone:.3f} s",
    )


def _page(conn: Connection) -> None:
    """What a page about one task shows: status and counts, definition, schedule, quota, what waits, messages."""
    (one,) = list_tasks(conn, name=LARGEST)
    row = find_row(conn, LARGEST)
    plan = plan_for(parse_quota_variable(mailing.QUOTA), messages.DOMAIN)
    quota_overview.today(conn, plan)
    quota_overview.history(conn, messages.DOMAIN)
    quota_overview.backlog(conn, messages.DOMAIN)
    if not (one.cached_count and len(_messages(conn, row["id"])) == _LIMIT):
        raise RuntimeError(f"the page of {LARGEST} is empty")


def _messages(conn: Connection, task_id: int, **look: Any) -> list[object]:
    """As many as a page has, or all there are: as `ses task messages` reads them."""
    found: list[object] = []
    for batch in all_messages(conn, MessageSearch(task_id=task_id, **look), size=_LIMIT):
        found += batch
        if len(found) >= _LIMIT:
            break
    return found[:_LIMIT]


def _looks() -> list[dict[str, str]]:
    return [{"status": status} for status in _STATUSES] + [
        {"address_key": messages.address(70_001)},
        {"part": "997@"},
    ]


def _look_up(conn: Connection, look: dict[str, str]) -> tuple[str, float]:
    task_id = find_row(conn, LARGEST)["id"]
    seconds = statistics.median(_timed(lambda: _messages(conn, task_id, **look)))
    conn.rollback()
    return look.get("status") or "by " + next(iter(look)), seconds
