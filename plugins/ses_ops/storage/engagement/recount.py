"""What is stored of opens and clicks, beside what the events and the messages say."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ses_ops.storage.engagement.counts import HourKey, LinkCountKey
from ses_ops.storage.events.recording import CountKey
from ses_ops.storage.named_sql import execute, fetch_all, fetch_rows, fetch_value, statements
from ses_ops.storage.stored_moments import FIRST

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: Numbers by key and column; a key without a row has none.
Counted = dict[CountKey | LinkCountKey | HourKey, dict[str, int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class WrongEngagement:
    """A message whose numbers are stored otherwise than its events say; the numbers are those of the events."""

    seq: int
    #: Nothing is stored of the message.
    missing: bool
    opens_people: int
    opens_machines: int
    opens_unknown: int
    clicks_people: int
    clicks_machines: int
    clicks_unknown: int


def kept_from(conn: Connection) -> datetime:
    """The beginning of the oldest month whose events are kept."""
    found: datetime | None = fetch_value(conn, _SQL["kept_from"])
    return found or FIRST


def wrong_messages(conn: Connection, occurrence_id: int, *, kept_from: datetime) -> list[WrongEngagement]:
    """The messages of a start whose numbers are stored otherwise than their events say."""
    return fetch_rows(conn, WrongEngagement, _SQL["wrong_messages"], occurrence_id=occurrence_id, kept_from=kept_from)


def set_messages(conn: Connection, occurrence_id: int, wrong: Sequence[WrongEngagement]) -> None:
    """Write the numbers of messages that have a row."""
    rows = json.dumps([asdict(one) for one in wrong])
    execute(conn, _SQL["set_messages"], occurrence_id=occurrence_id, messages=rows)


def counts(conn: Connection, task_id: int) -> tuple[Counted, Counted]:
    """What is stored of a task in `engagement_count`, and what its messages give."""
    stored, counted = (
        fetch_all(conn, _SQL["stored"], task_id=task_id),
        fetch_all(conn, _SQL["counted"], task_id=task_id),
    )
    return _by_key(CountKey, task_id, stored), _by_key(CountKey, task_id, counted)


def links(conn: Connection, task_id: int) -> tuple[Counted, Counted]:
    """What is stored of a task in `link_count`, and what its events give."""
    stored = fetch_all(conn, _SQL["stored_links"], task_id=task_id)
    counted = fetch_all(conn, _SQL["counted_links"], task_id=task_id)
    return _by_key(LinkCountKey, task_id, stored), _by_key(LinkCountKey, task_id, counted)


def hours(conn: Connection, task_id: int) -> tuple[Counted, Counted]:
    """What is stored of a task in `engagement_hour`, and what its events give."""
    stored = fetch_all(conn, _SQL["stored_hours"], task_id=task_id)
    counted = fetch_all(conn, _SQL["counted_hours"], task_id=task_id)
    return _by_key(HourKey, task_id, stored), _by_key(HourKey, task_id, counted)


def first_event(conn: Connection, task_id: int) -> datetime | None:
    """When the first message of a task with an open or a click was sent; None: there is none."""
    found: datetime | None = fetch_value(conn, _SQL["first_event"], task_id=task_id)
    return found


def _by_key(make: type[CountKey | LinkCountKey | HourKey], task_id: int, rows: Sequence[dict[str, object]]) -> Counted:
    names = [name for name in make._fields if name != "task_id"]
    found: Counted = {}
    for row in rows:
        key = make(task_id, *(row.pop(name) for name in names))  # type: ignore[arg-type]
        found[key] = {name: int(str(count)) for name, count in row.items()}
    return found
