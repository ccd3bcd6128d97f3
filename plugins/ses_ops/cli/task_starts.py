"""`ses task starts`: the starts of a task, with counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ses_ops.cli.deleted_tasks import task_id_option, task_to_show
from ses_ops.cli.lazy_group import examples
from ses_ops.cli.output import json_option, print_json, print_table
from ses_ops.cli.session import database
from ses_ops.errors import NotFound

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_COUNTS = ("request", "sent", "failed", "suppressed", "unknown", "cancelled", "cached", "retrying", "queued")


@click.command(epilog=examples("ses task starts weekly-news", "ses task starts weekly-news --limit 5 --json"))
@click.argument("name")
@task_id_option
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="The newest starts, at most.")
@json_option
def starts(name: str, task_id: int | None, limit: int, as_json: bool) -> None:
    """List the starts of a task, the newest first: a recurring or triggered one has many, each with its own counts.

    `ses task messages NAME --start NUMBER` lists the messages of one.
    """
    from ses_ops.storage.ledger import progress
    from ses_ops.storage.ledger.progress import LedgerScope

    with database() as conn:
        scope = LedgerScope(task_id=task_to_show(conn, name, task_id).id)
        found = progress.occurrences(conn, scope, limit=limit)
    if as_json:
        print_json(found)
        return
    columns = ["no.", "start", *_COUNTS, "in pr.", "goes on", "finished", "run"]
    rows = [
        [
            *(one.number, one.logical_at or one.created_at),
            *(getattr(one, f"{count}_count") for count in _COUNTS),
            *(one.in_progress_count, one.due_at, one.finished_at, one.run_id),
        ]
        for one in found
    ]
    print_table(columns, rows, empty=f"{name} has not started yet.")


def start_id(conn: Connection, task_id: int, number: int) -> int:
    """The occurrence of a number. Raises NotFound."""
    from ses_ops.storage.ledger import progress

    found = progress.occurrence_by_number(conn, task_id, number)
    if found is None:
        raise NotFound("start of this send task", str(number))
    return found
