"""The links of a task's mail: a name for what its clicks are counted by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


def keep(conn: Connection, *, task_id: int, targets: Sequence[str]) -> None:
    """Store the targets of a task's links, each once, in whatever edition it is."""
    if targets:
        execute(conn, _SQL["keep"], task_id=task_id, targets=list(targets))
