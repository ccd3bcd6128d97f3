"""Copies of what Airflow has and processes without Airflow need, encrypted."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_rows, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyRow:
    """One copy."""

    name: str
    value: bytes = field(repr=False)
    copied_at: datetime


def write(conn: Connection, name: str, value: bytes) -> None:
    """Write a copy, in place of the one before."""
    execute(conn, _SQL["write"], name=name, value=value)


def read(conn: Connection) -> list[CopyRow]:
    """All copies."""
    return fetch_rows(conn, CopyRow, _SQL["read"])
