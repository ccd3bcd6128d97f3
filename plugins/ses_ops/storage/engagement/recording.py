"""Opens and clicks written in sets: links, events, and what is known of their messages.

All writers take their locks in one order (links, messages, counts, counts of links, hours, feeds; in each by key), so
they never wait in a circle. The row of a message is locked before its events are read, so two writers of one message
follow one another, and the second sees the events of the first.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ses_ops.storage.engagement.messages import arrays
from ses_ops.storage.named_sql import execute, fetch_all, fetch_rows, statements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.events.recording import MessageId

_SQL = statements(__file__)


class LinkKey(NamedTuple):
    """A link of a task, by the sha256 of its target."""

    task_id: int
    target_hash: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageEngagement:
    """A row of `message_engagement`: what the counts are kept by, and numbers of events by kind and verdict."""

    occurrence_id: int
    seq: int
    task_id: int
    sender_domain: str
    sent_day: datetime
    mailbox_provider: str
    opens_people: int
    opens_machines: int
    opens_unknown: int
    clicks_people: int
    clicks_machines: int
    clicks_unknown: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEngagement:
    """An event that is stored."""

    event_key: str
    occurred_at: datetime
    happened_at: datetime
    occurrence_id: int
    seq: int
    kind: str
    link_id: int | None
    place: int | None
    verdict: int
    rule: str
    told_machine: bool
    ip: str | None
    #: None: it was emptied, and the address with it.
    user_agent: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEngagement:
    """A row of `engagement`; the moments in ISO 8601."""

    event_key: str
    occurred_at: str
    happened_at: str
    received_at: str
    occurrence_id: int
    seq: int
    kind: str
    source: str
    link_id: int | None
    place: int | None
    verdict: int
    rule: str
    told_machine: bool
    ip: str | None
    user_agent: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewVerdict:
    """A verdict that is to be stored in the place of another."""

    event_key: str
    occurred_at: str
    verdict: int
    rule: str


def link_ids(conn: Connection, targets: Mapping[LinkKey, str]) -> dict[LinkKey, int]:
    """The numbers of links, by their targets; those that have none get one."""
    found = _known_links(conn, targets)
    if missing := sorted(targets.keys() - found.keys()):
        tasks, hashes = [key.task_id for key in missing], [key.target_hash for key in missing]
        execute(conn, _SQL["add_links"], tasks=tasks, hashes=hashes, targets=[targets[key] for key in missing])
        found |= _known_links(conn, missing)
    return found


def begin_messages(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> list[MessageEngagement]:
    """Make rows for messages that have none (the fields up to `mailbox_provider`); returns those that were made."""
    return fetch_rows(conn, MessageEngagement, _SQL["begin_messages"], messages=json.dumps(rows, default=str))


def lock_messages(conn: Connection, keys: Collection[MessageId]) -> list[MessageEngagement]:
    """The rows of messages, locked until the end of the transaction."""
    return fetch_rows(conn, MessageEngagement, _SQL["lock_messages"], **arrays(keys))


def events_of(conn: Connection, keys: Collection[MessageId]) -> list[StoredEngagement]:
    """The events of messages; after `lock_messages` they are all."""
    return fetch_rows(conn, StoredEngagement, _SQL["events"], **arrays(keys))


def insert_events(conn: Connection, events: Sequence[NewEngagement]) -> None:
    """Write events that are new."""
    execute(conn, _SQL["insert_events"], events=json.dumps([_columns(one) for one in events]))


def change_verdicts(conn: Connection, changed: Sequence[NewVerdict]) -> None:
    """Write other verdicts of stored events."""
    execute(conn, _SQL["change_verdicts"], verdicts=json.dumps([asdict(one) for one in changed]))


def add_to_messages(conn: Connection, changes: Mapping[MessageId, Mapping[str, int]]) -> None:
    """Change the numbers of messages, whose rows are locked; `changes` has the names of all six columns."""
    rows = [{**key._asdict(), **numbers} for key, numbers in changes.items()]
    execute(conn, _SQL["add_to_messages"], messages=json.dumps(rows))


def _known_links(conn: Connection, keys: Iterable[LinkKey]) -> dict[LinkKey, int]:
    asked = list(keys)
    tasks, hashes = [key.task_id for key in asked], [key.target_hash for key in asked]
    found = fetch_all(conn, _SQL["links"], tasks=tasks, hashes=hashes)
    return {LinkKey(row["task_id"], bytes(row["target_hash"])): row["id"] for row in found}


def _columns(row: NewEngagement) -> dict[str, Any]:
    """The fields of a row. (`dataclasses.asdict` copies each value, which takes as long as all the rest.)"""
    return {name: getattr(row, name) for name in row.__slots__}
