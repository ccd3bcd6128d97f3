"""Named SQL statements, each module's in the .sql file beside it.

Each statement stands behind a `-- name:` line and a comment that says why. A statement belongs to one function, whose
arguments and result are typed (docs/decisions/0032); `tests/unit/test_statements.py` holds that.
"""

from __future__ import annotations

import json
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ses_ops.errors import Explanation, Sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg2.extensions import connection as Connection

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)

#: The end of the name of the column that has what a sentence was made of.
_EXPLAINED = "_explained"

Row = TypeVar("Row")


def statements(module_file: str) -> Statements:
    """The statements of the .sql file beside a module, which gives its `__file__`."""
    return Statements(Path(module_file).with_suffix(".sql"))


class Statements:
    """The statements of one file by name. The file is read when the first of them is asked for, not at import."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __getitem__(self, name: str) -> str:
        return self.by_name[name]

    @cached_property
    def by_name(self) -> dict[str, str]:
        """All statements of the file."""
        parts = _NAME.split(self._file.read_text(encoding="utf-8"))[1:]
        names = parts[0::2]
        if len(set(names)) != len(names):
            raise ValueError(f"{self._file.name} names a statement twice")
        return {name: sql.strip() for name, sql in zip(names, parts[1::2], strict=True)}


def fetch_rows(conn: Connection, make: Callable[..., Row], sql: str, /, **values: Any) -> list[Row]:
    """Run a statement; returns `make(**columns)` of each row."""
    return [make(**row) for row in fetch_all(conn, sql, **values)]


def fetch_row(conn: Connection, make: Callable[..., Row], sql: str, /, **values: Any) -> Row | None:
    """Run a statement; returns `make(**columns)` of the first row, or None."""
    row = fetch_one(conn, sql, **values)
    return None if row is None else make(**row)


def fetch_values(conn: Connection, sql: str, /, **values: Any) -> list[Any]:
    """Run a statement; the first column of every row."""
    with conn.cursor() as cursor:
        cursor.execute(sql, values)
        return [row[0] for row in cursor.fetchall()]


def fetch_value(conn: Connection, sql: str, /, **values: Any) -> Any:
    """Run a statement; the first column of its first row, or None without a row."""
    with conn.cursor() as cursor:
        cursor.execute(sql, values)
        row = cursor.fetchone()
        return None if row is None else row[0]


def fetch_all(conn: Connection, sql: str, /, **values: Any) -> list[dict[str, Any]]:
    """Run a statement; all rows as dictionaries, for a module that makes values of them."""
    with conn.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return _with_sentences(rows, names)


def fetch_one(conn: Connection, sql: str, /, **values: Any) -> dict[str, Any] | None:
    """Run a statement; its first row as a dictionary, or None."""
    with conn.cursor() as cursor:
        cursor.execute(sql, values)
        row = cursor.fetchone()
        names = [column.name for column in cursor.description or ()]
    return None if row is None else _with_sentences([dict(zip(names, row, strict=True))], names)[0]


def execute(conn: Connection, sql: str, /, **values: Any) -> int:
    """Run a statement that returns no rows; the number of rows that it touched."""
    with conn.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def explained(**sentences: str | None) -> dict[str, Any]:
    """The parameters of stored sentences: each with its code and facts as `<name>_explained`, None for a plain text."""
    made: dict[str, Any] = {name: None if text is None else str(text) for name, text in sentences.items()}
    for name, text in sentences.items():
        of = text.explanation if isinstance(text, Sentence) else None
        made[name + _EXPLAINED] = None if of is None else json.dumps({"code": of.code, "facts": of.stored})
    return made


def _with_sentences(rows: list[dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    """Rows whose sentences know what they were made of, in place of the columns for that."""
    for column in [name for name in names if name.endswith(_EXPLAINED)]:
        name = column.removesuffix(_EXPLAINED)
        for row in rows:
            of = row.pop(column)
            why = Explanation.read(of.get("code"), of.get("facts")) if isinstance(of, dict) else None
            if why is not None and row[name] is not None:
                row[name] = Sentence(why, row[name])
    return rows
