"""`python -m bench.ledger_cost`: the cost of a message in PostgreSQL, step by step.

Every commit is on disk (fsync on). CPU is that of all processes of the server, with checkpointer and autovacuum; CPU
and WAL are for 1 000 messages. Sending is measured at full speed, where a commit has many outcomes, and under a rate
limit, where it has few.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2

from bench import messages
from bench.database import BenchServer, bench_server
from bench.mailing import QUOTA, add_group, add_task
from bench.sent import run_sender
from bench.sink import smtp_sink
from ses_ops.domain.occurrence import Run, RunKind
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.sending.freeze import freeze_audience
from ses_ops.sending.reserve import reserve_chunks
from ses_ops.sending.settle import settle
from ses_ops.storage.connection import connected

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

RESULTS = Path(__file__).with_suffix(".json")
SECONDS_A_DAY = 86_400
#: The counters of the server, read by a new session: a session's statistics appear once a second and at its end.
_COUNTERS = (
    "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn, (SELECT sum(xact_commit) FROM pg_stat_database),"
    " (SELECT sum(pg_total_relation_size(one::regclass)) FROM unnest(ARRAY['message', 'chunk', 'attempt']) one)"
)


@dataclass(kw_only=True)
class StepCost:
    """The cost of one step for 1 000 messages; only `seconds` is of the whole step."""

    name: str
    messages: int
    cpu_seconds: float = 0.0
    wal_bytes: float = 0.0
    commits: float = 0.0
    seconds: float = 0.0
    #: Growth in bytes a message of the ledger's tables and their indexes.
    disk_bytes_a_message: float = 0.0


@dataclass
class Meter:
    """Reads the counters of the server before and after a step."""

    server: BenchServer
    dsn: str
    steps: list[StepCost] = field(default_factory=list)

    @contextmanager
    def step(self, name: str, count: int) -> Iterator[None]:
        """Measure the block as a step for `count` messages."""
        self.server.checkpoint()
        before, cpu, began = self._counters(), self.server.cpu_seconds(), time.perf_counter()
        yield
        seconds, used, after = time.perf_counter() - began, self.server.cpu_seconds() - cpu, self._counters()
        wal, commits, disk = (float(b - a) for a, b in zip(before, after, strict=True))
        done = StepCost(
            name=name,
            messages=count,
            cpu_seconds=used / count * 1000,
            wal_bytes=wal / count * 1000,
            commits=commits / count * 1000,
            seconds=seconds,
            disk_bytes_a_message=disk / count,
        )
        self.steps.append(done)
        print(
            f"{name:>28}: {done.cpu_seconds:.4f} CPU s, {done.wal_bytes / 1e3:,.0f} kB of WAL,"
            f" {done.commits:,.1f} commits for 1 000 messages; {seconds:.1f} s",
            file=sys.stderr,
        )

    def _counters(self) -> tuple[Any, ...]:
        conn = psycopg2.connect(self.dsn)
        try:
            with conn.cursor() as cursor:
                cursor.execute(_COUNTERS)
                row: tuple[Any, ...] = cursor.fetchone()
                return row
        finally:
            conn.close()


def mail(meter: Meter, conn: Connection, port: int, count: int, *, rate: int | None) -> None:
    """A mailing from the frozen audience to the settled run; with a rate limit only its sending is a step."""
    name = f"mailing-{rate or 'full'}"
    words = "send, full speed" if rate is None else f"send, {rate} messages/s"
    run = Run(task_name=name, run_id=name, kind=RunKind.TRIGGERED)
    add_group(conn, name, count)
    add_task(conn, name, group=name)
    whole = Meter(meter.server, meter.dsn) if rate else meter
    with whole.step("freeze", count):
        freeze_audience(conn, run, templates_root=messages.TEMPLATES)
    with whole.step("reserve", count):
        (chunk,) = reserve_chunks(conn, run, plans=QuotaPlans.parse(QUOTA), chunk_size=count).chunk_ids
    smtp = f"smtp://127.0.0.1:{port}?tls=none&connections=20" + (f"&max_messages_per_second={rate}" if rate else "")
    with meter.step(words, count):
        run_sender([sys.executable, "-m", "bench.send_process", meter.dsn, run.run_id, smtp, str(chunk)])
    with whole.step("settle", count):
        settlement = settle(conn, run)
    if settlement.sent != count:
        raise RuntimeError(f"{settlement.sent:,} of {count:,} were sent")
    with whole.step("vacuum", count):
        vacuum(meter.dsn)


def vacuum(dsn: str) -> None:
    """Vacuum now, as autovacuum does later: every outcome leaves an old version of a row behind."""
    with connected(dsn) as conn:
        conn.autocommit = True
        with conn.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) message")


def growth(steps: list[StepCost], *, slow: StepCost) -> dict[str, float]:
    """The capacity of one PostgreSQL: the arithmetic of docs/production.md."""
    cpu = sum(step.cpu_seconds for step in steps)
    sending = next(step for step in steps if step.name.startswith("send"))
    slow_cpu = cpu - sending.cpu_seconds + slow.cpu_seconds
    slow_wal = sum(step.wal_bytes for step in steps) - sending.wal_bytes + slow.wal_bytes
    return {
        "cpu_seconds_per_1000": cpu,
        "million_messages_a_day_and_core": SECONDS_A_DAY / cpu / 1000,
        "cpu_seconds_per_1000_under_a_rate_limit": slow_cpu,
        "million_messages_a_day_and_core_under_a_rate_limit": SECONDS_A_DAY / slow_cpu / 1000,
        "wal_gb_per_million": sum(step.wal_bytes for step in steps) / 1e6,
        "wal_gb_per_million_under_a_rate_limit": slow_wal / 1e6,
        "disk_gb_per_million": sum(step.disk_bytes_a_message for step in steps) / 1e3,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="What a message costs PostgreSQL.")
    parser.add_argument("--messages", type=int, default=100_000, help="at full speed (default: %(default)s)")
    parser.add_argument("--limited", type=int, default=4_000, help="under the rate limit (default: %(default)s)")
    parser.add_argument("--rate", type=int, default=200, help="messages a second (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="FILE.json")
    given = parser.parse_args()
    with bench_server() as server, smtp_sink() as sink, server.database() as dsn, connected(dsn) as conn:
        meter = Meter(server, dsn)
        mail(meter, conn, sink.port, given.messages, rate=None)
        steps = list(meter.steps)
        mail(meter, conn, sink.port, given.limited, rate=given.rate)
        slow = meter.steps[-1]
    results = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "steps": [asdict(step) for step in [*steps, slow]],
        "one_postgresql": growth(steps, slow=slow),
    }
    given.output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results["one_postgresql"], indent=2))


if __name__ == "__main__":
    main()
