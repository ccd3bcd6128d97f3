"""A mailing without Airflow: audience, freeze, reserve, send, settle.

Each chunk is sent by a process of its own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench import messages
from bench.sent import SenderResult, run_sender, run_side_by_side
from ses_ops.application.task_changes import apply_task
from ses_ops.domain.occurrence import Run, RunKind
from ses_ops.domain.send_task import parse_send_task
from ses_ops.domain.warmup import QuotaPlans
from ses_ops.sending.freeze import freeze_audience
from ses_ops.sending.reserve import DEFAULT_CHUNK_SIZE, reserve_chunks
from ses_ops.sending.settle import settle
from ses_ops.storage.connection import connected, transaction

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from bench.database import BenchServer

#: Hours from UTC to a zone in which it is about noon now, so that no mailing meets the end of a quota day.
_NOON = 12 - datetime.now(UTC).hour
#: "Etc/GMT+5" is five hours behind UTC (tzdata, etcetera).
QUOTA = {
    messages.DOMAIN: {
        "plan": [1_000_000_000],
        "started_on": "2026-01-01",
        "time_zone": f"Etc/GMT{-_NOON:+d}" if _NOON else "UTC",
    }
}

# The addresses and values of messages.address and messages.values, in SQL.
_RECIPIENTS = """
INSERT INTO recipient (group_id, position, address, address_key, "values")
SELECT %(group_id)s, n, 'customer-' || n || '@customers.example', 'customer-' || n || '@customers.example',
       jsonb_build_object('name', (%(names)s::text[])[n %% %(count)s + 1] || ' ' || n,
                          'customer_id', 'C-' || n, 'coupon', 'SPRING-' || n)
FROM generate_series(1, %(recipients)s) n
"""


def add_group(conn: Connection, name: str, recipients: int) -> None:
    """A recipient group of customers 1 to `recipients`."""
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(
            "INSERT INTO recipient_group (name, variables, recipient_count) VALUES (%s, %s, %s) RETURNING id",
            (name, list(messages.VARIABLES), recipients),
        )
        row = cursor.fetchone()
        assert row is not None
        names = {"names": list(messages.NAMES), "count": len(messages.NAMES)}
        cursor.execute(_RECIPIENTS, {"group_id": row[0], "recipients": recipients, **names})
    with connected(conn.dsn) as other:
        other.autocommit = True
        with other.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) recipient")


def add_task(conn: Connection, name: str, *, group: str, **changes: object) -> None:
    """A send task of the benchmark's template."""
    task = parse_send_task({**messages.definition(**changes), "name": name, "group": group}, where=name)
    with transaction(conn):
        apply_task(conn, task, now=datetime.now(UTC), where=name)


@dataclass(kw_only=True)
class Mailing:
    """A frozen audience whose chunks are reserved by `run`."""

    conn: Connection
    dsn: str
    run: Run
    recipients: int
    chunk_ids: list[int] = field(default_factory=list)
    #: Seconds of each step in this process (freeze, reserve, settle); the senders measure themselves.
    step_seconds: dict[str, float] = field(default_factory=dict)

    def send(self, port: int, *, connections: int = 20, pipelining: str = "auto") -> list[SenderResult]:
        """Send chunk after chunk, each in a fresh process, as Airflow's tasks do. Raises unless all were sent."""
        parts = [run_sender(self.sender(chunk, port, connections, pipelining)) for chunk in self.chunk_ids]
        self._settle()
        return parts

    def send_side_by_side(self, port: int, *, connections: int, pipelining: str = "auto") -> SenderResult:
        """Send all chunks at once, each in a process of its own with `connections`. Raises unless all were sent.

        The processes begin together when all have finished their imports; the time is that until the last has ended.
        """
        together = run_side_by_side([self.sender(chunk, port, connections, pipelining) for chunk in self.chunk_ids])
        self._settle()
        return together

    def sender(self, chunk: int, port: int, connections: int = 20, pipelining: str = "auto") -> list[str]:
        """The command of a process that sends a chunk."""
        smtp = f"smtp://127.0.0.1:{port}?tls=none&connections={connections}&pipelining={pipelining}"
        return [sys.executable, "-m", "bench.send_process", self.dsn, self.run.run_id, smtp, str(chunk)]

    def _settle(self) -> None:
        with self.step("settle"):
            settlement = settle(self.conn, self.run)
        if settlement.sent != self.recipients:
            raise RuntimeError(f"the engine sent {settlement.sent:,} of {self.recipients:,}")

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step."""
        began = time.perf_counter()
        yield
        self.step_seconds[name] = time.perf_counter() - began


@contextmanager
def mailing(
    server: BenchServer,
    recipients: int,
    *,
    chunk_size: int = DEFAULT_CHUNK_SIZE,
    bounce_domain: str | None = None,
    **changes: object,
) -> Iterator[Mailing]:
    """A mailing in a fresh database, whose chunks are ready to be sent; `changes` are those of the task."""
    name = f"mailing-{recipients}"
    run = Run(task_name=name, run_id=f"bench {name}", kind=RunKind.TRIGGERED)
    with server.database() as dsn, connected(dsn) as conn:
        add_group(conn, name, recipients)
        add_task(conn, name, group=name, **changes)
        ready = Mailing(conn=conn, dsn=dsn, run=run, recipients=recipients)
        # The pending writes of the group are not part of the mailing's cost.
        server.checkpoint()
        with ready.step("freeze"):
            freeze_audience(conn, run, templates_root=messages.TEMPLATES)
        with ready.step("reserve"):
            ready.chunk_ids += reserve_chunks(conn, run, plans=QuotaPlans.parse(QUOTA), chunk_size=chunk_size).chunk_ids
        if bounce_domain is not None:
            with transaction(conn), conn.cursor() as cursor:
                cursor.execute("UPDATE sender_domain SET bounce_domain = %s", (bounce_domain,))
                assert cursor.rowcount == 1
        yield ready
