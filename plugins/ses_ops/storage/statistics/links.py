"""Clicks of a task by link, and its opens and clicks by hour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import fetch_rows, statements

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkClicks:
    """Clicks on one link of a task's mail."""

    id: int
    target: str
    #: Number of clicks of all kinds.
    clicks: int
    #: Numbers of messages in which a person, or only a machine, clicked it.
    people: int
    machines: int


@dataclass(frozen=True, kw_only=True, slots=True)
class HourOfEngagement:
    """Opens and clicks within an hour. MailCounts are events."""

    hour: datetime
    opens_people: int
    clicks_people: int
    opens: int
    clicks: int


def links_of_task(conn: Connection, task_ids: Collection[int], *, limit: int = 300) -> list[LinkClicks]:
    """The links of tasks with their clicks, the most clicked by people first."""
    return fetch_rows(conn, LinkClicks, _SQL["links_of_task"], task_ids=list(task_ids), limit=limit)


def hours_of_task(
    conn: Connection, task_ids: Collection[int], *, since: datetime, until: datetime
) -> list[HourOfEngagement]:
    """The hours (in UTC) with opens or clicks of tasks, oldest first; `since` <= hour < `until`."""
    hours = _SQL["hours_of_task"]
    return fetch_rows(conn, HourOfEngagement, hours, task_ids=list(task_ids), since=since, until=until)
