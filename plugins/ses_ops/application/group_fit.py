"""The send tasks of a recipient group, and whether they can still send to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_ops.application.value_warnings import ValueWarning, value_warnings
from ses_ops.errors import SesError
from ses_ops.rendering import apart
from ses_ops.sending.task_renderer import check_template
from ses_ops.storage.audience import recipients

if TYPE_CHECKING:
    from pathlib import Path

    from psycopg2.extensions import connection as Connection


#: What of a task `check_template` depends on.
_LOOKED_AT = ("template", "subject", "sender", "sender_domain", "reply_to", "unsubscribe_url", "advertisement")


@dataclass(frozen=True, kw_only=True, slots=True)
class Misfit:
    """A task that cannot send to its group, and why."""

    task: str
    problem: str


def misfits(conn: Connection, group_name: str, templates_root: Path) -> list[Misfit]:
    """Tasks that are not over, and whose template needs other variables than the group has (an import changed them)."""
    group = recipients.find_group(conn, group_name)
    facts = {"group": group_name, "group_variables": group.variables}
    #: Hundreds of tasks may send the same template.
    known: dict[tuple[Any, ...], str | None] = {}
    found = []
    for task in recipients.tasks_of_group(conn, group.id):
        if task["cancelled_at"] is not None or task["finished_at"] is not None:
            continue
        key = tuple(task[name] for name in _LOOKED_AT)
        if key not in known:
            known[key] = _problem({**task, **facts}, templates_root)
        if (problem := known[key]) is not None:
            found.append(Misfit(task=task["name"], problem=problem))
    return found


def doubtful(conn: Connection, group_name: str, templates_root: Path) -> list[tuple[str, ValueWarning]]:
    """Tasks that are not over, each with what of its template its author may not mean (`value_warnings`)."""
    group = recipients.find_group(conn, group_name)
    known: dict[tuple[Any, ...], list[ValueWarning]] = {}
    found = []
    for task in recipients.tasks_of_group(conn, group.id):
        if task["cancelled_at"] is not None or task["finished_at"] is not None:
            continue
        texts = {name: task[name] for name in ("template", "subject", "unsubscribe_url")}
        key = tuple(texts.values())
        if key not in known:
            try:
                known[key] = value_warnings(conn, **texts, group=group_name, templates_root=templates_root)
            except SesError:  # `misfits` says so
                known[key] = []
        found += [(task["name"], doubt) for doubt in known[key]]
    return found


def _problem(task: dict[str, Any], templates_root: Path) -> str | None:
    try:
        apart.call(task["template"], _check, task, templates_root)
    except SesError as problem:
        return str(problem)
    return None


def _check(task: dict[str, Any], templates_root: Path) -> None:
    check_template(task, templates_root)
