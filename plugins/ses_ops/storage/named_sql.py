"""Named SQL statements: one .sql file a noun, each statement behind a `-- name:` line and a comment that says why."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from psycopg2.extras import RealDictCursor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import connection as Connection

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def statements(noun: str) -> Mapping[str, str]:
    """The statements of `<noun>.sql` by name."""
    (file,) = Path(__file__).parent.glob(f"[!m]*/{noun}.sql")
    text = file.read_text(encoding="utf-8")
    parts = _NAME.split(text)[1:]
    names = parts[0::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{noun}.sql names a statement twice")
    return MappingProxyType({name: sql.strip() for name, sql in zip(names, parts[1::2], strict=True)})


def fetch_all(conn: Connection, noun: str, name: str, /, **values: Any) -> list[dict[str, Any]]:
    """Run a named statement; all rows as dictionaries."""
    with conn.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(statements(noun)[name], values)
        return [dict(row) for row in cursor.fetchall()]


def fetch_one(conn: Connection, noun: str, name: str, /, **values: Any) -> dict[str, Any] | None:
    """Run a named statement; its first row, or None."""
    with conn.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(statements(noun)[name], values)
        row = cursor.fetchone()
        return None if row is None else dict(row)


def execute(conn: Connection, noun: str, name: str, /, **values: Any) -> int:
    """Run a named statement that returns no rows; the number of rows it touched."""
    with conn.cursor() as cursor:
        cursor.execute(statements(noun)[name], values)
        return int(cursor.rowcount)
