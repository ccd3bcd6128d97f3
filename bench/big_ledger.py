"""A database with 1 000 send tasks and millions of messages, made by the server itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import mailing, messages
from ses_ops.sending.reserve import DEFAULT_CHUNK_SIZE

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from bench.context import Bench

LARGEST = "task-0001"
#: Every second small task recurs and has ten occurrences behind it.
_RECURRING_OCCURRENCES = 10


def add_big_ledger(bench: Bench, conn: Connection, *, tasks: int, total: int) -> int:
    """Fill an empty database; returns the number of messages. One task has a fifth of them, four a tenth each."""
    shares = _shares(tasks, total)
    names = [f"task-{number:04}" for number in range(1, tasks + 1)]
    recurring = [number >= 5 and number % 2 == 1 for number in range(tasks)]
    mailing.add_group(conn, "customers", 10)
    for name, recurs in zip(names, recurring, strict=True):
        mailing.add_task(conn, name, group="customers", **_schedule(recurs))
    plan = {
        "names": names,
        "messages": shares,
        "occurrences": [_RECURRING_OCCURRENCES if recurs else 1 for recurs in recurring],
    }
    conn.autocommit = True
    with conn.cursor() as cursor:
        sql = _statements()
        # Ten million look-ups of foreign keys, and an index kept up row by row, would take most of the time.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SELECT pg_get_indexdef('message_address_key'::regclass)")
        (index,) = cursor.fetchone() or ("",)
        cursor.execute("DROP INDEX message_address_key")
        cursor.execute(sql["occurrences"], plan)
        bench.progress(f"  writing {sum(shares):,} messages …")
        cursor.execute(sql["messages"], {})
        bench.progress("  counting chunks, making the index …")
        cursor.execute(sql["chunks"], {"chunk_size": DEFAULT_CHUNK_SIZE})
        cursor.execute(index)
        cursor.execute(sql["cache_last_chunk"], {"name": LARGEST})
        cursor.execute("INSERT INTO sender_domain (domain) VALUES (%s)", (messages.DOMAIN,))
        cursor.execute(sql["quota_days"], {"domain": messages.DOMAIN})
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("SELECT sum(request_count) FROM occurrence")
        (count,) = cursor.fetchone() or (0,)
    conn.autocommit = False
    return int(count)


def _shares(tasks: int, total: int) -> list[int]:
    large = [total // 5, *[total // 10] * 4]
    small = tasks - len(large)
    return [*large, *[(total - sum(large)) // small] * small]


def _schedule(recurs: bool) -> dict[str, Any]:
    if not recurs:
        return {"type": "immediate"}
    return {"type": "recurring", "every": "1d", "start_at": datetime.now(UTC) + timedelta(hours=1)}


def _statements() -> dict[str, str]:
    parts = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8").split("-- name: ")[1:]
    return {name.strip(): sql for name, _, sql in (part.partition("\n") for part in parts)}
