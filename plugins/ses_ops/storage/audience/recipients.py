"""Recipient groups and their recipients: lists, samples, rights to change, deletion."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg2.errors

from ses_ops.domain.address import parse_address
from ses_ops.domain.template_variables import recipient_values, variable_name
from ses_ops.errors import Conflict, GroupBusy, GroupInUse, InvalidInput, NotFound
from ses_ops.storage.audience import group_content
from ses_ops.storage.like_pattern import containing
from ses_ops.storage.named_sql import execute, fetch_all, fetch_row, fetch_rows, fetch_value, statements
from ses_ops.storage.stored_lists import stored_names
from ses_ops.storage.suppression import hashed_suppression
from ses_ops.storage.tasks.stored_task import TaskOfGroup, row_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: The time for which a change waits for the lock of an import (PostgreSQL's lock_timeout).
_LOCK_TIMEOUT = "2s"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientGroup:
    """A stored group, without its recipients."""

    id: int
    name: str
    description: str
    variables: tuple[str, ...]
    recipient_count: int
    #: Whether an empty cell of the file is a missing value, which default() of a template fills in.
    empty_is_missing: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupColumns:
    """The facts of a group's columns that imports found; none for an import of an older version."""

    empty_is_missing: bool
    with_empty_cells: list[str]
    saying_no: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """A recipient on a page; `line` is its line in the file."""

    line: int
    address: str
    values: dict[str, str]
    #: Why the recipient gets no mail now; None when it gets mail.
    suppressed: str | None


def list_groups(conn: Connection) -> list[RecipientGroup]:
    """Every group by name."""
    return fetch_rows(conn, _group, _SQL["groups"])


def find_group(conn: Connection, name: str) -> RecipientGroup:
    """A group by name; raises NotFound."""
    group = group_if_any(conn, name)
    if group is None:
        raise NotFound("recipient group", name)
    return group


def group_if_any(conn: Connection, name: str) -> RecipientGroup | None:
    """A group by name; None when there is none."""
    return fetch_row(conn, _group, _SQL["group_by_name"], name=name)


def _group(*, variables: list[str | None] | None, **columns: Any) -> RecipientGroup:
    written = stored_names(variables)
    names = tuple(map(variable_name, written))
    # Two names that are one variable are kept as written, so that a person can see which to rename.
    return RecipientGroup(variables=names if len(set(names)) == len(names) else written, **columns)


def column_facts(conn: Connection, name: str) -> GroupColumns:
    """The facts of a group's columns; raises NotFound."""
    found = fetch_row(conn, GroupColumns, _SQL["column_facts"], name=name)
    if found is None:
        raise NotFound("recipient group", name)
    return found


def sample(
    conn: Connection, group_id: int, *, limit: int = 1, address_key: str | None = None
) -> list[tuple[str, dict[str, str]]]:
    """The (address, values) of the first recipients, or of one address."""
    rows = fetch_all(conn, _SQL["sample"], group_id=group_id, address_key=address_key, limit=limit)
    return [(row["address"], dict(recipient_values(row["values"]))) for row in rows]


def look(conn: Connection, group_id: int, *, line: int, limit: int, text: str = "") -> list[Recipient]:
    """Recipients from a line of the file on; with `text` the ones whose address has the text in it."""
    wanted: dict[str, Any] = {"group_id": group_id, "line": line, "limit": limit, "key": None, "patterns": None}
    try:
        wanted["key"] = parse_address(text).key if text else None
    except InvalidInput:
        wanted["patterns"] = containing(text)
        fetch_value(conn, _SQL["read_in_order"])
    return fetch_rows(conn, _recipient, _SQL["recipients_from"], **wanted)


def _recipient(*, values: dict[str, str | None], **columns: Any) -> Recipient:
    return Recipient(values=dict(recipient_values(values)), **columns)


def all_of_group(
    conn: Connection, group_id: int, *, batch: int
) -> Iterator[list[tuple[str, dict[str, str | None], str | None]]]:
    """(address, values, why it gets no mail) of every recipient in order, `batch` at a time, in one transaction."""
    with conn.cursor(name="group_export") as cursor:
        cursor.execute(_SQL["recipients_of_group"], {"group_id": group_id})
        while rows := cursor.fetchmany(batch):
            yield rows


def line_before(conn: Connection, group_id: int, *, line: int, count: int) -> int | None:
    """The line of the recipient that stands `count` recipients before a line, or of the first one; None at the top."""
    found: int | None = fetch_value(conn, _SQL["line_before"], group_id=group_id, line=line, count=count)
    return found


def suppressed_count(conn: Connection, group_id: int, *, sender_domain: str = "") -> int:
    """Number of recipients of a group that get no bulk mail of a sender domain now; without one, no mail at all."""
    asked: dict[str, Any] = {"group_id": group_id, "sender_domain": sender_domain}
    known = int(fetch_value(conn, _SQL["suppressed_of_group"], **asked))
    return known + hashed_suppression.count_suppressed(conn, **asked)


def create_group(conn: Connection, name: str, *, description: str) -> None:
    """Make a group without recipients; Conflict when there is one of that name. The caller holds the transaction."""
    check_group_name(name)
    if not execute(conn, _SQL["insert_group"], name=name, description=description):
        raise Conflict("group_exists", group=name)


def describe_group(conn: Connection, name: str, *, description: str) -> None:
    """Change the description of a group; Conflict while an import holds it. The caller holds the transaction."""
    with not_waiting_for_an_import(conn, name):
        if not execute(conn, _SQL["describe_group"], name=name, description=description):
            raise NotFound("recipient group", name)


@contextmanager
def not_waiting_for_an_import(conn: Connection, name: str) -> Iterator[None]:
    """Wait for the row of a group only a moment in the `with`: an import holds the row as long as its upload takes."""
    fetch_value(conn, _SQL["wait_a_moment"], timeout=_LOCK_TIMEOUT)
    try:
        yield
    except psycopg2.errors.LockNotAvailable as cause:
        raise GroupBusy(name) from cause


def tasks_of_group(conn: Connection, group_id: int) -> list[TaskOfGroup]:
    """Tasks that exist and send to a group, be they over."""
    return fetch_rows(conn, row_of(TaskOfGroup), _SQL["tasks_of_group"], group_id=group_id)


def unfinished_tasks(conn: Connection, groups: Iterable[str]) -> list[tuple[str, str]]:
    """The unfinished tasks of groups, as pairs of group and task, oldest task first."""
    found = fetch_all(conn, _SQL["unfinished_tasks"], groups=list(groups))
    return [(row["group_name"], row["name"]) for row in found]


def delete_group(conn: Connection, name: str) -> RecipientGroup:
    """Delete a group and its recipients; Conflict while a task may send to it. The caller holds the transaction.

    Tasks that have ended keep their ledger, which has every address itself; their pages still name the group.
    """
    group = find_group(conn, name)
    tasks = tasks_of_group(conn, group.id)
    used_by = [task.name for task in tasks if not task.is_over]
    if used_by:
        raise GroupInUse(name, used_by)
    try:
        with not_waiting_for_an_import(conn, name):
            execute(conn, _SQL["lock_group"], group_id=group.id)
        execute(conn, _SQL["let_go_of_group"], group_id=group.id)
        group_content.empty_group(conn, group_id=group.id)
        execute(conn, _SQL["bury_group"] if tasks else _SQL["delete_group"], group_id=group.id)
    except psycopg2.errors.IntegrityError as cause:
        raise Conflict("group_still_in_use", group=name) from cause
    return group


def check_group_name(name: str) -> None:
    """Raise InvalidInput unless a name can be written on a command line and in YAML without quotes."""
    if not name or len(name) > 100 or not all(char.isalnum() or char in "_-." for char in name):
        raise InvalidInput("not_a_group_name", name=name)
