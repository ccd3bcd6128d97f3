"""What processes without Airflow ask of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_ops.storage.named_sql import execute, fetch_one, fetch_rows, fetch_value, statements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestRow:
    """One request that is not done."""

    id: int
    kind: str
    #: A send task, or a sender domain.
    subject: str
    facts: dict[str, Any]
    asked_at: datetime
    asked_by: str


def ask(conn: Connection, *, kind: str, subject: str, facts: Mapping[str, Any], asked_by: str) -> int:
    """Write a request; its number."""
    return int(fetch_value(conn, _SQL["ask"], kind=kind, subject=subject, facts=_json(facts), asked_by=asked_by))


def amend(conn: Connection, id: int, facts: Mapping[str, Any]) -> None:
    """Change the facts of a request that is not done."""
    execute(conn, _SQL["amend"], id=id, facts=_json(facts))


def take(conn: Connection, kinds: Sequence[str], *, limit: int) -> list[RequestRow]:
    """Requests of these kinds that nobody else does now, locked until the end of the transaction."""
    return fetch_rows(conn, RequestRow, _SQL["take"], kinds=list(kinds), limit=limit)


def done(conn: Connection, id: int, *, problem: str | None = None) -> None:
    """Note that a request is done, or why it could not be."""
    execute(conn, _SQL["done"], id=id, problem=problem)


def waiting(conn: Connection) -> tuple[int, datetime | None]:
    """Number of requests that are not done, entries of the audit log aside, and since when the oldest of them is."""
    row = fetch_one(conn, _SQL["open"])
    return (0, None) if row is None else (int(row["waiting"]), row["since"])


def be_alone(conn: Connection) -> None:
    """Wait until no other process asks Airflow, and let none do so until the session ends."""
    fetch_value(conn, _SQL["be_alone"])


def to_do(conn: Connection, *, since: datetime) -> bool:
    """Whether anything is asked for, or no copy of the settings was made since that moment."""
    return bool(fetch_value(conn, _SQL["to_do"], since=since))


def forget(conn: Connection, *, days: int) -> int:
    """Delete requests that were done more than `days` days ago; their number."""
    return execute(conn, _SQL["forget"], days=days)


def _json(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=True, default=str).replace("\\u0000", "\\ufffd")
