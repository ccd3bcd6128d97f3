"""What came back of the messages of a big ledger, made in SQL: two events a message.

Written as the ledger is: without WAL, by two sessions, the indexes at the end.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from ses_ops.storage.connection import connected

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection
    from psycopg2.extensions import cursor as Cursor

    from bench.context import Bench

_WRITERS = 2
#: Share of the messages for each of: entries of the suppression list, held entries, events without a message.
_SHARE = 100
_TABLES = ("message_event", "message_feedback")


def add_big_feedback(bench: Bench, conn: Connection, *, messages: int) -> int:
    """Fill the tables of what came back; returns the number of events."""
    sql = _statements()
    conn.autocommit = True
    with conn.cursor() as cursor:
        cursor.execute(sql["months"])
        _without_wal(cursor)
        indexes = _drop_indexes(cursor)
        bench.progress(f"  writing {2 * messages:,} events …")
        _write(conn.dsn, sql["events"], sql["feedback"])
        bench.progress("  making the indexes …")
        cursor.execute("SET maintenance_work_mem = '1GB'")
        for statement in indexes:
            cursor.execute(statement)
        for name in ("counts", "feeds", "sent", "engaged", "hours", "links"):
            cursor.execute(sql[name], {})
        for name in ("suppressions", "held", "unmatched"):
            cursor.execute(sql[name], {"count": messages // _SHARE})
        bench.progress("  vacuum …")
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("SELECT count(*) FROM message_event")
        (count,) = cursor.fetchone() or (0,)
    conn.autocommit = False
    return int(count)


def _without_wal(cursor: Cursor) -> None:
    cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'message_event'::regclass")
    for (name,) in cursor.fetchall():
        cursor.execute(f"ALTER TABLE {name} SET UNLOGGED")
    cursor.execute("ALTER TABLE message_feedback SET UNLOGGED")


def _drop_indexes(cursor: Cursor) -> list[str]:
    """Drop the indexes that are no keys, which are made at the end; returns their statements."""
    cursor.execute(
        "SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE i.indrelid = ANY(%s::regclass[]) AND NOT i.indisunique",
        (list(_TABLES),),
    )
    found = cursor.fetchall()
    for name, _ in found:
        cursor.execute(f"DROP INDEX {name}")
    return [statement.replace(" ON ONLY ", " ON ") for _, statement in found]


def _write(dsn: str, *statements: str) -> None:
    def write(part: int) -> None:
        with connected(dsn) as conn, conn.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement, {"part": part, "parts": _WRITERS})
            conn.commit()

    with ThreadPoolExecutor(_WRITERS) as threads:
        list(threads.map(write, range(_WRITERS)))


def _statements() -> dict[str, str]:
    parts = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8").split("-- name: ")[1:]
    return {name.strip(): sql for name, _, sql in (part.partition("\n") for part in parts)}
