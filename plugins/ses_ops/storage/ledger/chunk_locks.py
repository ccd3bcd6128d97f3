"""The advisory lock of a chunk: one session at a time sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import fetch_value, fetch_values, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: The first key of the advisory locks; the second key is the chunk's id.
CHUNK_LOCK = 7_365


def try_lock(conn: Connection, *, chunk_id: int) -> bool:
    """Take the lock of a chunk for this session; False when another session holds it. Safe to repeat."""
    return bool(fetch_value(conn, _SQL["try_lock"], lock=CHUNK_LOCK, chunk_id=chunk_id))


def unlock(conn: Connection, *, chunk_id: int) -> None:
    """Release the lock of a chunk before the connection ends."""
    fetch_value(conn, _SQL["unlock"], lock=CHUNK_LOCK, chunk_id=chunk_id)


def end_old_sessions(conn: Connection, *, chunk_id: int, pids: Sequence[int]) -> None:
    """End the server processes of `pids` that hold the lock of a chunk: the lost sessions of its sender."""
    fetch_values(conn, _SQL["end_old_sessions"], lock=CHUNK_LOCK, chunk_id=chunk_id, pids=list(pids))
