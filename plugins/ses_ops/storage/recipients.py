"""Recipient groups: replace the whole content at once, list, sample, delete."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

import psycopg2.errors

from ses_ops.errors import Conflict, InvalidInput, NotFound
from ses_ops.storage.copy_rows import copy_in, copy_text
from ses_ops.storage.sql import execute, fetch_all, fetch_one, statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.csv_rows import Row

#: For the one sort of an import; a million addresses fit.
_SORT_MEMORY = "128MB"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientGroup:
    """A group as it is stored, without its recipients."""

    id: int
    name: str
    description: str
    variables: tuple[str, ...]
    recipient_count: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Replaced:
    """What an import made of a group. `staged` counts rows, duplicates among them."""

    group_id: int
    created: bool
    recipients: int
    staged: int

    @property
    def duplicates(self) -> int:
        return self.staged - self.recipients


def list_groups(conn: Connection) -> list[RecipientGroup]:
    """Every group by name."""
    return [_group(row) for row in fetch_all(conn, "recipients", "groups")]


def find_group(conn: Connection, name: str) -> RecipientGroup:
    """A group by name; raises NotFound."""
    row = fetch_one(conn, "recipients", "group_by_name", name=name)
    if row is None:
        raise NotFound("recipient group", name, hint="`ses group list` shows them all")
    return _group(row)


def _group(row: dict[str, Any]) -> RecipientGroup:
    return RecipientGroup(**{**row, "variables": tuple(row["variables"])})


def stage_rows(conn: Connection, rows: Iterable[Row], variables: Sequence[str]) -> int:
    """Stream rows into a table that only this transaction sees; returns their number."""
    execute(conn, "recipients", "make_stage")
    staged = copy_in(conn, statements("recipients")["copy_stage"], _copy_lines(rows, variables))
    execute(conn, "recipients", "index_stage")
    return staged


def _copy_lines(rows: Iterable[Row], variables: Sequence[str]) -> Iterator[str]:
    """One line of COPY text a recipient; the values become JSON by one format string, in C."""
    names = (encode_basestring(name).replace("%", "%%") for name in variables)
    as_json = "{" + ", ".join(f"{name}: %s" for name in names) + "}"
    encode, escape = encode_basestring, copy_text
    for line, address, key, values in rows:
        # What JSON escapes it escapes with a backslash, so this is all that is left to escape for COPY.
        packed = as_json % tuple(map(encode, values))
        if "\\" in packed:
            packed = packed.replace("\\", "\\\\")
        yield f"{line}\t{escape(address)}\t{escape(key)}\t{packed}\n"


def replace_group(
    conn: Connection, name: str, *, variables: Sequence[str], description: str | None, staged: int
) -> Replaced:
    """Make the staged rows the content of a group, new or old; the first row of an address wins.

    The caller holds the transaction that `stage_rows` was called in. Nobody waits for the reading of the file: the
    group is locked only now.
    """
    group = fetch_one(conn, "recipients", "upsert_group", name=name, description=description, variables=list(variables))
    assert group is not None
    with conn.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', %s, true)", (_SORT_MEMORY,))
    if not group["created"]:
        execute(conn, "recipients", "empty_group", group_id=group["id"])
    recipients = execute(conn, "recipients", "fill_group", group_id=group["id"])
    execute(conn, "recipients", "count_group", group_id=group["id"], count=recipients)
    return Replaced(group_id=group["id"], created=group["created"], recipients=recipients, staged=staged)


def staged_duplicates(conn: Connection, group_id: int) -> Iterator[tuple[int, str, int]]:
    """(line, address, line of the row that won) of what the dedupe left out; in the import's transaction."""
    with conn.cursor(name="staged_duplicates") as cursor:
        cursor.itersize = 10_000
        cursor.execute(statements("recipients")["duplicates"], {"group_id": group_id})
        yield from cursor


def sample(
    conn: Connection, group_id: int, *, limit: int = 1, address_key: str | None = None
) -> list[tuple[str, dict[str, str]]]:
    """(address, values) of the first recipients, or of one address."""
    rows = fetch_all(conn, "recipients", "sample", group_id=group_id, address_key=address_key, limit=limit)
    return [(row["address"], row["values"]) for row in rows]


def suppressed_count(conn: Connection, group_id: int) -> int:
    """Recipients of a group that are on the suppression list now."""
    row = fetch_one(conn, "recipients", "suppressed_of_group", group_id=group_id)
    return int(row["count"]) if row else 0


def tasks_of_group(conn: Connection, group_id: int) -> list[dict[str, Any]]:
    """Tasks that exist and send to a group: name, template, subject, unsubscribe_url, cancelled_at, finished_at."""
    return fetch_all(conn, "recipients", "tasks_of_group", group_id=group_id)


def delete_group(conn: Connection, name: str) -> RecipientGroup:
    """Take a group and its recipients away; Conflict while a task uses it. The caller holds the transaction."""
    group = find_group(conn, name)
    used_by = [row["name"] for row in tasks_of_group(conn, group.id)]
    if used_by:
        raise Conflict(f"recipient group {name!r} is used by {', '.join(used_by)}; `ses task delete` them first")
    try:
        execute(conn, "recipients", "let_go_of_group", group_id=group.id)
        execute(conn, "recipients", "delete_group", group_id=group.id)
    except psycopg2.errors.IntegrityError as cause:
        raise Conflict(f"recipient group {name!r} is still used by a send task") from cause
    return group


def check_group_name(name: str) -> None:
    """Raise InvalidInput unless a name can be written on a command line and in YAML without quotes."""
    if not name or len(name) > 100 or not all(char.isalnum() or char in "_-." for char in name):
        raise InvalidInput(f"{name!r} cannot be a group's name: use up to 100 letters, digits, -, _ and .")
