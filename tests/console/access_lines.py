"""All lines of access_table/ in one dictionary, by route."""

from __future__ import annotations

import importlib
import pkgutil

import tests.console.access_table as table
from tests.console.access_table import Line

LINES: dict[str, Line] = {
    route: line
    for module in pkgutil.iter_modules(table.__path__)
    for route, line in importlib.import_module(f"{table.__name__}.{module.name}").ROUTES.items()
}
