"""Deleted tasks in commands that only read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ses_ops.cli.output import cell, note

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.tasks.stored_task import StoredTask

task_id_option = click.option(
    "--id", "task_id", type=click.IntRange(1), help="Of several tasks that had the name; `ses task list --deleted`."
)


def task_to_show(conn: Connection, name: str, task_id: int | None) -> StoredTask:
    """The row of the task, marked on stderr when it was deleted. Raises NotFound."""
    from ses_ops.storage.tasks.send_tasks import row_to_show

    row = row_to_show(conn, name, task_id)
    if row.deleted_at:
        note(f"{name} (id {row.id}) was deleted {cell(row.deleted_at)}; its ledger stays")
    return row
