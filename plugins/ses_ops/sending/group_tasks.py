"""The send tasks of a recipient group, and whether they can still send to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.errors import SesError
from ses_ops.sending.freeze_audience import check_template
from ses_ops.storage import recipients

if TYPE_CHECKING:
    from pathlib import Path

    from psycopg2.extensions import connection as Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Misfit:
    """A task that cannot send to its group, and why."""

    task: str
    problem: str


def misfits(conn: Connection, group_name: str, templates_root: Path) -> list[Misfit]:
    """Tasks that are not over, and whose template needs other variables than the group has (an import changed them)."""
    found = []
    group = recipients.find_group(conn, group_name)
    for task in recipients.tasks_of_group(conn, group.id):
        if task["cancelled_at"] is not None or task["finished_at"] is not None:
            continue
        try:
            check_template({**task, "group": group_name, "group_variables": group.variables}, templates_root)
        except SesError as problem:
            found.append(Misfit(task=task["name"], problem=str(problem)))
    return found
