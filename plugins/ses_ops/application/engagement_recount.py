"""Opens and clicks compared with what is stored of them, as a part of `ses events recount`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.application.record_engagement import count_row
from ses_ops.storage.connection import transaction
from ses_ops.storage.engagement import counts, messages, recording, recount
from ses_ops.storage.events.recording import MessageId
from ses_ops.storage.events.recount import hold_writers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.engagement.recount import Counted, WrongEngagement


@dataclass(frozen=True, kw_only=True, slots=True)
class WrongEngagementCount:
    """A count of a task that is stored otherwise than its messages or events say."""

    #: Table and key, such as `link_count 17`.
    what: str
    stored: dict[str, int]
    counted: dict[str, int]


def wrong_messages(
    conn: Connection, occurrence_id: int, kept_from: datetime, *, repair: bool
) -> Sequence[WrongEngagement]:
    """Messages of a start whose numbers are not those of their events; with `repair` they are set right."""
    with transaction(conn):
        wrong = recount.wrong_messages(conn, occurrence_id, kept_from=kept_from)
    if wrong and repair:
        with transaction(conn):
            hold_writers(conn)
            wrong = recount.wrong_messages(conn, occurrence_id, kept_from=kept_from)
            missing = {MessageId(occurrence_id, one.seq) for one in wrong if one.missing}
            found = messages.find(conn, missing)
            recording.begin_messages(conn, [count_row(found[key]) for key in sorted(found)])
            recount.set_messages(conn, occurrence_id, wrong)
    return wrong


def wrong_counts(conn: Connection, task_id: int, kept_from: datetime, *, repair: bool) -> list[WrongEngagementCount]:
    """Counts of a task that differ; with `repair` they are set right.

    Those of links and hours are made of the events, so they are looked at only while all events of the task are kept.
    """
    with transaction(conn):
        found = _differences(conn, task_id, kept_from)
    if found and repair:
        with transaction(conn):
            hold_writers(conn)
            found = _differences(conn, task_id, kept_from, repair=True)
    return found


def _differences(
    conn: Connection, task_id: int, kept_from: datetime, *, repair: bool = False
) -> list[WrongEngagementCount]:
    first = recount.first_event(conn, task_id)
    found = _compared("engagement_count", recount.counts(conn, task_id), conn, counts.add_counts, repair=repair)
    if first is None or first >= kept_from:
        found += _compared("link_count", recount.links(conn, task_id), conn, counts.add_links, repair=repair)
        found += _compared("engagement_hour", recount.hours(conn, task_id), conn, counts.add_hours, repair=repair)
    return found


def _compared(
    table: str, both: tuple[Counted, Counted], conn: Connection, add: Callable[..., None], *, repair: bool
) -> list[WrongEngagementCount]:
    """The keys whose numbers differ; with `repair` the differences are added."""
    stored, counted = both
    found, changes = [], Counter[tuple[object, str]]()
    for key in sorted(stored.keys() | counted.keys()):
        there, right = stored.get(key, {}), counted.get(key, {})
        differ = {name: right.get(name, 0) - there.get(name, 0) for name in there.keys() | right.keys()}
        if any(differ.values()):
            name = f"{table} {' '.join(map(str, key[1:]))}"
            found.append(WrongEngagementCount(what=name, stored=there, counted=right))
            for column, change in differ.items():
                changes[key, column] = change
    if repair and changes:
        add(conn, changes)
    return found
