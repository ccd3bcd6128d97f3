"""What each person of the team gets from every page: by the table of docs/console.md, and by nothing else.

Which page goes by which row says tests/console/access_table, in which every route of the console has its rule.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache

import tests.console.access_table as access_table
from tests.console.access_table import Line
from tests.own_airflow.fresh_environment import REPOSITORY

#: The rows of the table by the rules of ses_ops.console.access: how the first cell begins.
ROWS = {
    "enters_console": "overview, list of tasks",
    "reads_task": "a task: page",
    "edits_task": "pause, cancel",
    "starts_task": "send now",
    "changes_task": "edit (its form",
    "deletes_task": "delete",
    "reads_shared": "groups, templates, domains, suppression",
    "changes_console": "change them",
    "writes_quota": "a domain's warm-up plan",
}
#: Cells that say that it depends on the task, or on another right, whether somebody may.
_DEPENDS = ("if they may", "tasks they may read", "this task")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where somebody stands in the table."""

    #: The heading of the column.
    column: str
    #: The rules of those rows whose cell says that it depends, which are met for the task `hello`.
    meets: frozenset[str] = frozenset()


_TRIGGERS = "triggers it too"
_OF_TASK = frozenset({"reads_task", "edits_task", "starts_task", "changes_task", "deletes_task"})
#: By name (people.PEOPLE).
PLACES = {
    "olga": Place(column=_TRIGGERS, meets=_OF_TASK | {"writes_quota"}),
    "ursula": Place(column=_TRIGGERS, meets=_OF_TASK),
    "victor": Place(column="reads `ses_test_send`", meets=frozenset({"reads_task"})),
    "rita": Place(column="no right of ours"),
    "mina": Place(column=_TRIGGERS),
}


@cache
def table() -> dict[tuple[str, str], str]:
    """Of docs/console.md: cells by the first cell of their row and the heading of their column."""
    lines = (REPOSITORY / "docs" / "console.md").read_text().splitlines()
    (head,) = [number for number, line in enumerate(lines) if line.startswith("| page, action | needs |")]
    heading = _cells(lines[head])
    found = {}
    for line in lines[head + 2 :]:
        if not line.startswith("|"):
            break
        cells = _cells(line)
        found |= {(cells[0], column): cell for column, cell in zip(heading, cells, strict=True)}
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def may(person: str, rule: str) -> bool:
    """Whether somebody of PEOPLE meets a rule, for the task `hello` where it is about a task."""
    if rule == "signed_in":
        return True
    place = PLACES[person]
    ((_, cell),) = [
        (row, cell) for (row, column), cell in table().items() if row.startswith(ROWS[rule]) and column == place.column
    ]
    if rule == "enters_console":
        return cell != "–"
    depends = cell.startswith(_DEPENDS)
    assert depends or cell in ("–", "yes"), f"docs/console.md: {cell!r} is not understood"
    return rule in place.meets if depends else cell == "yes"


def pages() -> dict[str, Line]:
    """Every address of the console that is looked at (GET), by its route."""
    return {
        route: line
        for module in pkgutil.iter_modules(access_table.__path__)
        for route, line in importlib.import_module(f"{access_table.__name__}.{module.name}").ROUTES.items()
        if route.startswith("GET ")
    }


def expected(line: Line, person: str) -> int:
    """The status that somebody of PEOPLE gets."""
    return told(line.admin) if may(person, line.rule) else 403


def told(status: int) -> int:
    """A status, in which "not of a task that has finished" (409) is no other than "here you are": both may."""
    return 200 if status == 409 else status


#: Parts of pages that are loaded again, and files.
NO_PAGES = ("/live/", "/static/", ".csv", "/group-sample")
#: Pages that people look at.
SEEN = sorted(
    line.path
    for route, line in pages().items()
    if line.admin == 200 and not line.exports and not any(part in route for part in NO_PAGES)
)
