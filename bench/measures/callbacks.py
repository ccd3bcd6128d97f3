"""The measure of callbacks: posts a second of one deliverer to a local endpoint, and its memory while many wait."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

from bench import mailing
from bench.figure import Bar, Figure
from ses_ops.application.callbacks.endpoint_decisions import NewEndpoint, add
from ses_ops.application.ports import Actor
from ses_ops.domain.callback_target import parse_networks
from ses_ops.storage.connection import connected

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from bench.context import Bench

#: Posts a second, and megabytes by which a deliverer may grow with all events waiting.
BAR, GROWTH = 500, 30.0
#: Seconds for which posts are counted, after the pace of the endpoint has risen to its limit.
RISES, COUNTED = 7.0, 10.0
_DELIVERER = """
import asyncio, sys
from ses_ops.application.callbacks.deliverer import Deliverer
from ses_ops.domain.callback_target import parse_networks
asyncio.run(Deliverer(sys.argv[1], allowed=parse_networks("127.0.0.0/8", where="")).run(asyncio.Event()))
"""


def measure(bench: Bench) -> Iterator[Figure]:
    many = bench.sizes.callbacks
    with bench.server.database() as dsn, _receiver() as receiver:
        with connected(dsn) as conn:
            _prepare(conn, receiver, many)
        bench.server.checkpoint()
        bench.progress(f"  {many:,} events wait; posting for {RISES + COUNTED:.0f} seconds …")
        server = bench.server.cpu_seconds()
        with _deliverer(dsn) as process:
            time.sleep(RISES)
            before, cpu, began = _taken(receiver), _cpu(process), time.monotonic()
            memory = process.memory_info().rss
            time.sleep(COUNTED)
            seconds, posted = time.monotonic() - began, _taken(receiver) - before
            own, grown = _cpu(process) - cpu, (process.memory_info().rss - memory) / 1e6
            rss = process.memory_info().rss / 1e6
        server = bench.server.cpu_seconds() - server
    left = many - posted
    yield Figure(
        what="callbacks posted a second, signed, to one local endpoint",
        value=posted / seconds,
        unit="posts/s",
        bar=Bar(limit=BAR, at_least=True),
        note=f"CPU a post: {1e3 * own / max(posted, 1):.2f} ms the deliverer and about"
        f" {1e3 * server / max(posted, 1) * COUNTED / (RISES + COUNTED):.2f} ms PostgreSQL",
    )
    yield Figure(
        what=f"growth of the deliverer while {many:,} events wait",
        value=max(grown, 0.0),
        unit="MB",
        bar=Bar(limit=GROWTH),
        note=f"{rss:.0f} MB resident, {left:,} events still waiting",
    )


def _prepare(conn: Connection, receiver: subprocess.Popen[str], count: int) -> None:
    """A mailing with one event for each message, all of which wait for one endpoint."""
    assert receiver.stdout is not None
    port = int(receiver.stdout.readline())
    new = NewEndpoint(name="bench", url=f"http://127.0.0.1:{port}/hook")
    add(conn, Actor(name="bench"), new, allowed=parse_networks("127.0.0.0/8", where=""))
    mailing.add_group(conn, "customers", 10)
    mailing.add_task(conn, "mailing", group="customers", type="immediate")
    with conn, conn.cursor() as cursor:
        cursor.execute(
            "INSERT INTO occurrence (task_id, key, run_id, frozen_at, request_count)"
            " SELECT id, 'at', 'at', now(), 1 FROM send_task RETURNING id"
        )
        (occurrence,) = cursor.fetchone() or (0,)
        cursor.execute(
            "INSERT INTO message (occurrence_id, seq, state, tries, changed_at, address, address_key, values)"
            " SELECT %(o)s, n, 'sent', 1, now(), a, a, '{}' FROM generate_series(1, %(count)s) n,"
            " LATERAL (SELECT 'customer-' || n || '@example.org' AS a) x",
            {"o": occurrence, "count": count},
        )
        cursor.execute(
            "INSERT INTO message_event (event_key, occurred_at, occurrence_id, seq, kind, source, source_id,"
            " diagnostic) SELECT md5(n::text)::uuid, now(), %(o)s, n, 'delivered', 'amazon_ses', n::text, '250 OK'"
            " FROM generate_series(1, %(count)s) n",
            {"o": occurrence, "count": count},
        )
        cursor.execute(
            "INSERT INTO callback_waiting (endpoint_id, event_key, occurred_at, occurrence_id, seq, kind)"
            " SELECT e.id, v.event_key, v.occurred_at, v.occurrence_id, v.seq, 'delivered'"
            " FROM message_event v, callback_endpoint e ORDER BY v.seq"
        )
        cursor.execute("ANALYZE callback_waiting, message, message_event")


@contextmanager
def _receiver() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bench.callback_receiver"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _taken(receiver: subprocess.Popen[str]) -> int:
    assert receiver.stdin is not None
    assert receiver.stdout is not None
    receiver.stdin.write("\n")
    receiver.stdin.flush()
    return int(receiver.stdout.readline())


@contextmanager
def _deliverer(dsn: str) -> Iterator[psutil.Process]:
    with subprocess.Popen([sys.executable, "-c", _DELIVERER, dsn]) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            process.kill()


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
