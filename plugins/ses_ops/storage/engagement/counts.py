"""The counts of opens and clicks, changed in sets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ses_ops.storage.named_sql import execute, statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.events.recording import CountKey

_SQL = statements(__file__)

#: The columns of `engagement_count`, of `link_count` and of `engagement_hour`.
COUNTS = (
    *("opened_people", "opened_machines", "opened_unknown", "clicked_people", "clicked_machines", "clicked_unknown"),
    *("engaged_people", "opens", "clicks"),
)
OF_LINK = ("clicks", "people", "machines")
OF_HOUR = ("opens_people", "clicks_people", "opens", "clicks")


class LinkCountKey(NamedTuple):
    """A link of a task."""

    task_id: int
    link_id: int


class HourKey(NamedTuple):
    """An hour in UTC of a task."""

    task_id: int
    hour: datetime


def add_counts(conn: Connection, changes: Mapping[tuple[CountKey, str], int]) -> None:
    """Change the counts of messages and events, by column of COUNTS."""
    if rows := _rows(changes, COUNTS):
        execute(conn, _SQL["add_counts"], counts=json.dumps(rows, default=str))


def add_links(conn: Connection, changes: Mapping[tuple[LinkCountKey, str], int]) -> None:
    """Change the counts of links, by column of OF_LINK."""
    if rows := _rows(changes, OF_LINK):
        execute(conn, _SQL["add_links"], links=json.dumps(rows))


def add_hours(conn: Connection, changes: Mapping[tuple[HourKey, str], int]) -> None:
    """Change the counts of hours, by column of OF_HOUR."""
    if rows := _rows(changes, OF_HOUR):
        execute(conn, _SQL["add_hours"], hours=json.dumps(rows, default=str))


_Key = TypeVar("_Key", "CountKey", LinkCountKey, HourKey)


def _rows(changes: Mapping[tuple[_Key, str], int], columns: Iterable[str]) -> list[dict[str, object]]:
    """A row of each key that changes, with all columns."""
    rows: dict[_Key, dict[str, int]] = {}
    for (key, column), change in changes.items():
        if change:
            rows.setdefault(key, dict.fromkeys(columns, 0))[column] = change
    return [{**key._asdict(), **counts} for key, counts in rows.items()]
