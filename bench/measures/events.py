"""The measure of events: how many a second are recorded, by eight senders at once, PostgreSQL included."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bench import mailing
from bench.event_process import DOMAINS
from bench.figure import Bar, Figure
from ses_ops.storage.connection import connected

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from bench.context import Bench

#: Number of senders at once, each a process with a connection of its own.
SENDERS = 8
#: Events in one transaction: what a provider puts into one request, or what comes while the last batch is written.
BATCH = 50
#: Events a second.
BAR = 3_000


def measure(bench: Bench) -> Iterator[Figure]:
    yield _recorded(bench, BATCH, bench.sizes.events, bar=Bar(limit=BAR, at_least=True))
    yield _recorded(bench, 1, bench.sizes.events // 10, bar=None)


def _recorded(bench: Bench, batch: int, count: int, *, bar: Bar | None) -> Figure:
    messages = count // 2
    with bench.server.database() as dsn:
        with connected(dsn) as conn:
            occurrence_id = sent_mailing(conn, messages)
        bench.server.checkpoint()
        bench.progress(f"  {count:,} events, {batch} in a transaction, from {SENDERS} senders …")
        cpu = bench.server.cpu_seconds()
        recorded, seconds, senders_cpu = _record(dsn, occurrence_id, messages, batch)
        cpu = bench.server.cpu_seconds() - cpu
        with connected(dsn) as conn, conn.cursor() as cursor:
            cursor.execute("SELECT count(*), (SELECT count(*) FROM suppression) FROM message_event")
            (stored, suppressed) = cursor.fetchone() or (0, 0)
    words = "one in a transaction" if batch == 1 else f"{batch} in a transaction"
    return Figure(
        what=f"events recorded a second, {words}, {SENDERS} senders",
        value=recorded / seconds,
        unit="events/s",
        bar=bar,
        note=f"{recorded:,} events of {messages:,} messages, {stored:,} of them new, {suppressed:,} addresses"
        f" suppressed; CPU an event: {1e3 * cpu / recorded:.2f} ms PostgreSQL and {1e3 * senders_cpu / recorded:.2f} ms"
        " the senders",
    )


def sent_mailing(conn: Connection, count: int) -> int:
    """A mailing of `count` messages that has left; the id of its occurrence."""
    mailing.add_group(conn, "customers", 10)
    mailing.add_task(conn, "mailing", group="customers", type="immediate")
    with conn.cursor() as cursor:
        cursor.execute(
            "INSERT INTO occurrence (task_id, key, run_id, frozen_at, request_count) SELECT id, 'at', 'at', now(), %s"
            " FROM send_task RETURNING id",
            (count,),
        )
        (occurrence_id,) = cursor.fetchone() or (0,)
        cursor.execute(
            "INSERT INTO chunk (occurrence_id, task_id, sender_domain, first_seq, last_seq, state, pending, sent,"
            " sending_through) SELECT %s, id, sender_domain, 1, %s, 'settled', 0, %s, %s FROM send_task RETURNING id",
            (occurrence_id, count, count, count),
        )
        (chunk_id,) = cursor.fetchone() or (0,)
        cursor.execute(
            "INSERT INTO attempt (chunk_id, run_id, host, pid, sent, edition, ended_at)"
            " VALUES (%s, 'at', 'here', 1, %s, 1, now()) RETURNING id",
            (chunk_id, count),
        )
        (attempt_id,) = cursor.fetchone() or (0,)
        cursor.execute(
            "INSERT INTO message (occurrence_id, seq, state, tries, attempt_id, changed_at, address,"
            " address_key, values)"
            " SELECT %s, n, 'sent', 1, %s, now(), a, a, '{\"name\": \"Ann\"}' FROM generate_series(1, %s) n,"
            " LATERAL (SELECT 'customer-' || n || '@' || (%s::text[])[1 + n %% %s] AS a) x",
            (occurrence_id, attempt_id, count, list(DOMAINS), len(DOMAINS)),
        )
        cursor.execute("ANALYZE")
    conn.commit()
    return int(occurrence_id)


def _record(dsn: str, occurrence_id: int, messages: int, batch: int) -> tuple[int, float, float]:
    """Have all senders begin at once; events, seconds until the last has ended, and the senders' CPU seconds."""
    parts = [(messages * n // SENDERS + 1, messages * (n + 1) // SENDERS) for n in range(SENDERS)]
    command = [sys.executable, "-m", "bench.event_process", dsn, str(occurrence_id)]
    senders = [
        subprocess.Popen(
            [*command, str(first), str(last), str(batch)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for first, last in parts
    ]
    try:
        for sender in senders:
            assert sender.stdout is not None
            if sender.stdout.readline().strip() != "ready":
                raise RuntimeError("a sender of events did not begin")
        began = time.perf_counter()
        for sender in senders:
            assert sender.stdin is not None
            sender.stdin.write("\n")
            sender.stdin.flush()
        answers = [sender.communicate()[0] for sender in senders]
        seconds = time.perf_counter() - began
    finally:
        for sender in senders:
            if sender.poll() is None:
                sender.kill()
            sender.wait()
    said = [json.loads(answer) for answer in answers]
    return sum(one["events"] for one in said), seconds, sum(one["cpu"] for one in said)
