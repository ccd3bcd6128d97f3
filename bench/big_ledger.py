"""A database with 1 000 send tasks and millions of messages, made in SQL.

The messages are written without WAL (an unlogged table) and by two sessions: only reading is timed, and a reader finds
the same pages and indexes.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import mailing, messages
from ses_ops.sending.reserve import DEFAULT_CHUNK_SIZE
from ses_ops.storage.connection import connected

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection
    from psycopg2.extensions import cursor as Cursor

    from bench.context import Bench

LARGEST = "task-0001"
#: A recurring task with a thousand occurrences.
OFTEN = "task-0006"
_OFTEN_OCCURRENCES = 1_000
#: Number of past occurrences of every second small task, which recurs.
_RECURRING_OCCURRENCES = 10
#: A setting without checks of foreign keys: ten million look-ups would take most of the time.
_UNCHECKED = "SET session_replication_role = replica"
_WRITERS = 2


def add_big_ledger(bench: Bench, conn: Connection, *, tasks: int, total: int) -> int:
    """Fill an empty database; returns the number of messages. One task has a fifth of them, four a tenth each."""
    _add_tasks(conn, tasks, total)
    sql = _statements()
    conn.autocommit = True
    with conn.cursor() as cursor:
        cursor.execute(_UNCHECKED)
        cursor.execute("ALTER TABLE message SET UNLOGGED")
        indexes = _drop_indexes(cursor)
        cursor.execute(sql["occurrences"], _plan(tasks, total))
        bench.progress(f"  writing {total:,} messages …")
        _write_messages(conn.dsn, sql["messages"])
        bench.progress("  making the indexes …")
        cursor.execute("SET maintenance_work_mem = '1GB'")
        for statement in indexes:
            cursor.execute(statement)
        bench.progress("  counting chunks …")
        cursor.execute("SET work_mem = '256MB'")
        cursor.execute(sql["chunks"], {"chunk_size": DEFAULT_CHUNK_SIZE})
        cursor.execute("RESET work_mem")
        cursor.execute("INSERT INTO sender_domain (domain) VALUES (%s)", (messages.DOMAIN,))
        cursor.execute(sql["quota_days"], {"domain": messages.DOMAIN})
        cursor.execute(sql["attempts"], {})
        cursor.execute(sql["chunks_of_attempts"])
        cursor.execute(sql["cache_last_chunk"], {"name": LARGEST})
        cursor.execute("SET session_replication_role = DEFAULT")
        bench.progress("  vacuum …")
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("SELECT sum(request_count) FROM occurrence")
        (count,) = cursor.fetchone() or (0,)
    conn.autocommit = False
    return int(count)


def _add_tasks(conn: Connection, tasks: int, total: int) -> None:
    mailing.add_group(conn, "customers", 10)
    plan = _plan(tasks, total)
    for name, occurrences in zip(plan["names"], plan["occurrences"], strict=True):
        mailing.add_task(conn, name, group="customers", **_schedule(recurs=occurrences > 1))


def _plan(tasks: int, total: int) -> dict[str, Any]:
    """The names of the tasks, their numbers of messages, and their numbers of occurrences."""
    names = [f"task-{number:04}" for number in range(1, tasks + 1)]
    shares = _shares(tasks, total)
    starts = dict.fromkeys(names[6::2], _RECURRING_OCCURRENCES) | {OFTEN: _OFTEN_OCCURRENCES}
    # Every occurrence has at least one message, also in a small ledger.
    occurrences = [min(starts.get(name, 1), share) for name, share in zip(names, shares, strict=True)]
    return {"names": names, "messages": shares, "occurrences": occurrences}


def _shares(tasks: int, total: int) -> list[int]:
    large = [total // 5, *[total // 10] * 4]
    small = tasks - len(large)
    return [*large, *[(total - sum(large)) // small] * small]


def _schedule(*, recurs: bool) -> dict[str, Any]:
    if not recurs:
        return {"type": "immediate"}
    return {"type": "recurring", "every": "1d", "start_at": datetime.now(UTC) + timedelta(hours=1)}


def _drop_indexes(cursor: Cursor) -> list[str]:
    """Drop two indexes, whose update row by row takes longer than to make them at the end; returns their statements."""
    cursor.execute("SELECT pg_get_indexdef('message_address_key'::regclass)")
    (index,) = cursor.fetchone() or ("",)
    cursor.execute("DROP INDEX message_address_key")
    cursor.execute("ALTER TABLE message DROP CONSTRAINT message_pkey")
    return ["ALTER TABLE message ADD PRIMARY KEY (occurrence_id, seq)", index]


def _write_messages(dsn: str, statement: str) -> None:
    """Write all messages. Each writer takes a part of every occurrence, so that all writers have the same work."""

    def write(part: int) -> None:
        with connected(dsn) as conn, conn.cursor() as cursor:
            cursor.execute(_UNCHECKED)
            cursor.execute(statement, {"part": part, "parts": _WRITERS})
            conn.commit()

    with ThreadPoolExecutor(_WRITERS) as threads:
        list(threads.map(write, range(_WRITERS)))


def _statements() -> dict[str, str]:
    parts = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8").split("-- name: ")[1:]
    return {name.strip(): sql for name, _, sql in (part.partition("\n") for part in parts)}
