"""What each person of the team gets from every page: the rules of the pages (tests/console/access_table) by role."""

from __future__ import annotations

import importlib
import pkgutil

import tests.console.access_table as access_table
from tests.console.access_table import Line
from tests.own_airflow.people import PEOPLE

_LOOKS = {"signed_in", "enters_console", "reads_shared", "reads_task"}
_MAKES = {"changes_console", "edits_task", "changes_task", "starts_task", "deletes_task"}
#: By role, the rules of ses_ops.console.access that it meets for a task that somebody else made.
RULES = {
    "Op": _LOOKS | _MAKES | {"writes_quota"},
    "User": _LOOKS | _MAKES,
    "Viewer": _LOOKS,
    "ReportReader": {"signed_in"},
    "MailMaker": {"signed_in", "enters_console", "reads_shared", "changes_console"},
}


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
    return line.admin if line.rule in RULES[PEOPLE[person]] else 403


#: Pages that people look at, without the parts of pages that are loaded again and the files that are downloaded.
SEEN = sorted(
    line.path
    for route, line in pages().items()
    if not line.exports
    and line.admin == 200
    and "/live/" not in route
    and "/static/" not in route
    and ".csv" not in route
)
