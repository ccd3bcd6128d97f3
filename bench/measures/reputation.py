"""The measure of the reputation: judging 1 000 domains, and what it costs to count what an attempt did.

Each domain has sixty days of mail to four mailbox providers. A first pass judges all domains when each has something to
decide (its first level), further ones when none has, and a last one when one in ten is to be raised.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bench import mailing
from bench.figure import Bar, Figure
from ses_ops.application.judge_reputation import judge_all
from ses_ops.domain.warmup import STANDARD_PLAN, QuotaPlans, ReputationPlan, WarmupPlan
from ses_ops.sending.chunk.ending import count_attempt
from ses_ops.storage.connection import KEY_LOOKUPS, connected, transaction
from ses_ops.storage.named_sql import statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from bench.context import Bench

_SQL = statements(__file__)

DOMAINS = 1_000
#: Seconds for all domains when none has anything to decide, as nearly always.
BAR = 5.0
#: Messages of the attempt that is counted, and microseconds of CPU for one, PostgreSQL's included: 2 % of the 100 that
#: the engine and PostgreSQL take for one.
MESSAGES, COUNT_BAR = 10_000, 2.0
REPEATS = 5


def measure(bench: Bench) -> Iterator[Figure]:
    with bench.server.database() as dsn:
        with connected(dsn) as conn:
            bench.progress(f"  sixty days of {DOMAINS:,} domains …")
            _fill(conn)
            bench.server.checkpoint()
            plans = _plans()
            first, _ = _judge(conn, plans)
            idle = min((_judge(conn, plans) for _ in range(REPEATS)), key=lambda one: one[0])
            with transaction(conn), conn.cursor() as cursor:
                cursor.execute(_SQL["good_day"])
            raised = _judge(conn, plans)
        yield Figure(
            what=f"{DOMAINS:,} domains judged, nothing to decide",
            value=idle[0],
            unit="s",
            bar=Bar(limit=BAR),
            note=f"{idle[1]} decisions; the first time, with a decision each: {first:.2f} s",
        )
        yield Figure(
            what=f"{DOMAINS:,} domains judged, one in ten raised",
            value=raised[0],
            unit="s",
            bar=Bar(limit=BAR),
            note=f"{raised[1]:,} decisions",
        )
    yield _counted(bench)


def _plans() -> QuotaPlans:
    began = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=90)
    plans = {
        domain: WarmupPlan(
            domain=domain,
            steps=STANDARD_PLAN,
            started_on=f"{began:%Y-%m-%d}",
            started_at=began,
            time_zone="UTC",
            reputation=ReputationPlan(),
        )
        for domain in (f"mail{number}.example" for number in range(1, DOMAINS + 1))
    }
    return QuotaPlans(entries={domain: {} for domain in plans}, checked=plans)


def _judge(conn: Connection, plans: QuotaPlans) -> tuple[float, int]:
    """Seconds of one pass over all domains, and the number of its decisions."""
    began = time.perf_counter()
    found = judge_all(conn, plans)
    seconds = time.perf_counter() - began
    assert len(found) == DOMAINS
    return seconds, sum(len(one.decisions) for one in found)


def _fill(conn: Connection) -> None:
    mailing.add_group(conn, "customers", 1)
    with transaction(conn), conn.cursor() as cursor:
        cursor.execute(_SQL["domains"], {"count": DOMAINS})
        cursor.execute(_SQL["days"])
        cursor.execute(_SQL["feedback"])
    conn.autocommit = True
    with conn.cursor() as cursor:
        cursor.execute(_SQL["analyze"])
    conn.autocommit = False


def _counted(bench: Bench) -> Figure:
    """What `count_attempt` takes for an attempt of which one message in twenty was refused, in words of its own."""
    bench.progress(f"  counting an attempt of {MESSAGES:,} messages …")
    with bench.server.database() as dsn, connected(dsn, options=KEY_LOOKUPS) as conn:
        mailing.add_group(conn, "customers", 1)
        mailing.add_task(conn, "mailing", group="customers", type="immediate")
        with transaction(conn), conn.cursor() as cursor:
            cursor.execute(_SQL["attempt"], {"count": MESSAGES})
            (attempt_id,) = cursor.fetchone() or (0,)
            cursor.execute(_SQL["messages"], {"count": MESSAGES})
        seconds = []
        for _ in range(REPEATS):
            began = time.process_time() + bench.server.cpu_seconds()
            with transaction(conn):
                count_attempt(conn, attempt_id)
            seconds.append(time.process_time() + bench.server.cpu_seconds() - began)
    return Figure(
        what="CPU of counting what an attempt did, a message",
        value=1e6 * min(seconds) / MESSAGES,
        unit="us",
        bar=Bar(limit=COUNT_BAR),
        note=f"{1e3 * min(seconds):.1f} ms for {MESSAGES:,} messages to 600 domains,"
        f" the first time {1e3 * seconds[0]:.1f} ms",
    )
