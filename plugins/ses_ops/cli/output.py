"""Output of commands: JSON for programs, tables for people."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import click


def plain(value: Any) -> Any:
    """A value as a JSON value: times as ISO 8601 in UTC, spans in seconds."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(json.dumps(plain(value), ensure_ascii=False, indent=2))


def cell(value: Any) -> str:
    """A value as the text of a table's cell: one line without a terminal's control characters."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, list | tuple):
        return ", ".join(cell(item) for item in value) or "-"
    text = str(value)
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Print rows under column names (rich on a terminal, plain text in a pipe); without rows print `empty`."""
    given = [list(row) for row in rows]
    if not given:
        click.echo(empty)
        return
    numeric = [all(isinstance(row[index], int | None) for row in given) for index in range(len(columns))]
    cells = [[cell(value) for value in row] for row in given]
    if sys.stdout.isatty():
        _rich_table(columns, cells, numeric)
        return
    widths = [max(len(row[index]) for row in [list(columns), *cells]) for index in range(len(columns))]
    for row in [list(columns), *cells]:
        aligned = (
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, numeric, strict=True)
        )
        click.echo("  ".join(aligned).rstrip())


def _rich_table(columns: Sequence[str], cells: list[list[str]], numeric: list[bool]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name, right in zip(columns, numeric, strict=True):
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Text(text) for text in row))
    Console().print(table)


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print names and values, one a line."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        click.echo(f"{name.ljust(width)}  {cell(value)}")


def warn(message: str) -> None:
    """Print a warning of a command that succeeds on stderr."""
    click.echo(f"ses: warning: {' '.join(message.split())}", err=True)


def note(message: str) -> None:
    """Print on stderr what happens next."""
    click.echo(f"ses: {' '.join(message.split())}", err=True)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table.")
