"""Send tasks as the reference lists them: with the template and the values that they were made with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_all, fetch_rows, fetch_value, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskFactsThere:
    """What a task's line has there, and nowhere else."""

    id: int
    #: None: the group is gone.
    group_id: int | None
    #: What a client calls the group.
    title: str
    reply_to: str | None
    #: None: a template of the folder.
    template_id: int | None
    template_data: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateThere:
    """A stored template in a list."""

    id: int
    title: str
    created_at: datetime


def note_task(conn: Connection, name: str, *, template_id: int | None, template_data: str) -> None:
    """Note what a new task was made with."""
    execute(conn, _SQL["note_task"], name=name, template_id=template_id, template_data=template_data)


def task_id(conn: Connection, name: str) -> int | None:
    """The number of a task."""
    found: int | None = fetch_value(conn, _SQL["task_id"], name=name)
    return found


def facts(conn: Connection, ids: Sequence[int]) -> dict[int, TaskFactsThere]:
    """What the lines of some tasks have, by the task's number."""
    return {one.id: one for one in fetch_rows(conn, TaskFactsThere, _SQL["facts"], ids=list(ids))}


def note_filled(conn: Connection, template_id: int) -> None:
    """Note that a template was made by filling values in: it is in no list there."""
    execute(conn, _SQL["note_filled"], template_id=template_id)


def templates(conn: Connection, *, offset: int, limit: int) -> tuple[list[TemplateThere], int]:
    """Stored templates that are for more than one task, the newest first, and their number."""
    rows = fetch_all(conn, _SQL["templates"], offset=offset, limit=limit)
    total = rows[0]["total"] if rows else fetch_value(conn, _SQL["count_templates"])
    return [TemplateThere(id=row["id"], title=row["title"], created_at=row["created_at"]) for row in rows], int(total)
