"""The content of a recipient group during an import: lock, delete, stream in."""

from __future__ import annotations

from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import TYPE_CHECKING

from ses_ops.audience.column_facts import SAYS_NO
from ses_ops.domain.template_variables import variable_name
from ses_ops.storage.copy_rows import copy_in, copy_text
from ses_ops.storage.named_sql import execute, fetch_row, fetch_value, statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.audience.column_facts import ColumnFacts
    from ses_ops.audience.csv.reader import Row

_SQL = statements(__file__)

#: Memory of the hash table of an import, in which the addresses of a million recipients fit.
_WORK_MEM = "128MB"


@dataclass(frozen=True, kw_only=True, slots=True)
class Replacing:
    """A group that an import writes to: its content is replaced, or rows are added."""

    group_id: int
    created: bool
    empty_is_missing: bool
    appending: bool = False
    #: The content that stays: number of recipients, variables, and last line. Empty when all content is replaced.
    count: int = 0
    variables: tuple[str, ...] = ()
    last_line: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _LockedGroup:
    """The row of a group that an import found or made."""

    id: int
    created: bool
    empty_is_missing: bool
    recipient_count: int
    variables: list[str]


def begin_replacing(
    conn: Connection, name: str, *, description: str | None, empty_is_missing: bool | None = None
) -> Replacing:
    """Lock a group, made if it does not exist, and delete its recipients; the caller holds the transaction.

    Other sessions see the old content until the transaction ends.
    """
    group = _locked_group(conn, name, description=description, empty_is_missing=empty_is_missing)
    if not group.created:
        empty_group(conn, group_id=group.id)
    return Replacing(group_id=group.id, created=group.created, empty_is_missing=group.empty_is_missing)


def begin_appending(
    conn: Connection, name: str, *, description: str | None, empty_is_missing: bool | None = None
) -> Replacing:
    """Lock a group, made if it does not exist, and keep its recipients; the caller holds the transaction."""
    group = _locked_group(conn, name, description=description, empty_is_missing=empty_is_missing)
    return Replacing(
        group_id=group.id,
        created=group.created,
        empty_is_missing=group.empty_is_missing,
        appending=True,
        count=group.recipient_count,
        variables=tuple(map(variable_name, group.variables)),
        last_line=fetch_value(conn, _SQL["last_line"], group_id=group.id),
    )


def _locked_group(
    conn: Connection, name: str, *, description: str | None, empty_is_missing: bool | None
) -> _LockedGroup:
    # The variables are written with the content; until then no other session sees this row.
    given = {"name": name, "description": description, "empty_is_missing": empty_is_missing}
    group = fetch_row(conn, _LockedGroup, _SQL["upsert_group"], **given, variables=[])
    assert group is not None
    return group


def empty_group(conn: Connection, *, group_id: int) -> None:
    """Delete all recipients of a group."""
    execute(conn, _SQL["empty_group"], group_id=group_id)


def copy_recipients(
    conn: Connection,
    group: Replacing,
    rows: Iterable[Row],
    variables: Sequence[str],
    *,
    facts: ColumnFacts,
    stored: Callable[[int], None] | None = None,
) -> int:
    """Stream rows into a group; returns their number. `facts` and `stored` are called with them meanwhile."""
    lines = _copy_lines(group, rows, variables, facts)
    return copy_in(conn, _SQL["copy_recipients"], lines, taken=stored)


def _copy_lines(group: Replacing, rows: Iterable[Row], variables: Sequence[str], facts: ColumnFacts) -> Iterator[str]:
    """The lines of COPY text, one a recipient; the values become JSON by one format string, in C."""
    names = (encode_basestring(name).replace("%", "%%") for name in variables)
    as_json = "{" + ", ".join(f"{name}: %s" for name in names) + "}"
    encode, escape, never = encode_basestring, copy_text, SAYS_NO.isdisjoint
    group_id, before = group.group_id, group.last_line
    of_empty = "null" if group.empty_is_missing else '""'
    for line, address, key, values in rows:
        if "" in values:
            facts.add(values)
            packed = as_json % _with_empty(values, of_empty)
        else:
            if not never(values):
                facts.add(values)
            packed = as_json % tuple(map(encode, values))
        # JSON escapes with a backslash, which is the only character left to escape for COPY.
        if "\\" in packed:
            packed = packed.replace("\\", "\\\\")
        yield f"{group_id}\t{line + before}\t{escape(address)}\t{escape(key)}\t{packed}\n"


def _with_empty(values: Sequence[str], of_empty: str) -> tuple[str, ...]:
    """Values as JSON; `of_empty` is the value of an empty cell."""
    return tuple(encode_basestring(value) if value else of_empty for value in values)


def remove_repeated(conn: Connection, group_id: int) -> int:
    """Keep the first row of every address; returns the number of deleted rows (`repeated` lists them)."""
    fetch_value(conn, _SQL["plan_for_many"], work_mem=_WORK_MEM)
    found = execute(conn, _SQL["find_repeated"], group_id=group_id)
    if found:
        execute(conn, _SQL["remove_repeated"])
    return found


def repeated(conn: Connection) -> Iterator[tuple[int, str, dict[str, str | None], int]]:
    """(line, address, values, line of the kept row) of the rows that `remove_repeated` deleted; in its transaction."""
    with conn.cursor(name="repeated") as cursor:
        cursor.itersize = 1_000
        cursor.execute(_SQL["repeated"])
        yield from cursor


def set_content(
    conn: Connection, group_id: int, *, count: int, variables: Sequence[str], facts: ColumnFacts, appended: bool = False
) -> None:
    """Write the facts of the present content into the group's row; `appended`: the facts of earlier rows stay, too."""
    seen = {"with_empty_cells": facts.with_empty_cells, "saying_no": facts.saying_no, "appended": appended}
    execute(conn, _SQL["set_content"], group_id=group_id, count=count, variables=list(variables), **seen)
