"""Events written in sets: the events themselves, what became of their messages, and the counts.

All writers take their locks in one order (events, feedback, suppression, counts, feeds; in each by key), so they never
wait in a circle. What a message counts as is worked out by the table (`message_feedback.outcome`), nowhere else.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ses_ops.domain.message_feedback import FinalOutcome
from ses_ops.storage.named_sql import execute, fetch_all, fetch_rows, fetch_value, statements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.message_feedback import Told

_SQL = statements(__file__)

#: The column of `feedback_count` in which a message counts, by what became of it.
COUNTED_AS = {
    FinalOutcome.DEFERRED: "deferred",
    FinalOutcome.DROPPED: "dropped",
    FinalOutcome.DELIVERED: "delivered",
    FinalOutcome.SOFT_BOUNCED: "soft_bounced",
    FinalOutcome.HARD_BOUNCED: "hard_bounced",
}
_COUNTS = (*COUNTED_AS.values(), "spam_bounced", "infrastructure_bounced", "complained", "unsubscribed")


class MessageId(NamedTuple):
    """The key of a row of the ledger."""

    occurrence_id: int
    seq: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SentMessage:
    """A message that events name, and what its counts are kept by."""

    occurrence_id: int
    seq: int
    address: str
    address_key: str
    task_id: int
    #: When the audience of its mailing was frozen, before any of it was sent.
    frozen_at: datetime
    sender_domain: str
    sent_day: datetime
    #: A server refused it for good while it was sent: it has failed, and its events count nothing.
    refused: bool
    #: By the MX of the recipient's domain; None: not looked up.
    known_provider: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEvent:
    """A row of `message_event`."""

    event_key: str
    occurred_at: str
    occurrence_id: int
    seq: int
    kind: str
    hard: bool
    source: str
    source_id: str
    provider_kind: str
    #: What a bounce says of the reputation (`domain.message_feedback.BounceAbout`).
    about: int
    reason: str | None
    status: str | None
    diagnostic: str
    raw: str


class CountKey(NamedTuple):
    """What counts are kept by."""

    task_id: int
    sender_domain: str
    sent_day: datetime
    mailbox_provider: str


class _Feedback(NamedTuple):
    """What the counts know of a message."""

    occurrence_id: int
    seq: int
    task_id: int
    sender_domain: str
    sent_day: datetime
    mailbox_provider: str
    outcome: int
    spam: bool
    infrastructure: bool
    complained: bool
    unsubscribed: bool


def look_up_by_key(conn: Connection) -> None:
    """Let the statements of this transaction find their rows by key, whatever the planner thinks."""
    execute(conn, _SQL["look_up_by_key"])


def begin(conn: Connection) -> None:
    """Begin a transaction that records events: its statements find rows by key, and nobody is erased meanwhile."""
    execute(conn, _SQL["begin"])


def find_messages(conn: Connection, keys: Iterable[MessageId]) -> dict[MessageId, SentMessage]:
    """The messages of the ledger with these keys."""
    found = fetch_rows(conn, SentMessage, _SQL["messages"], **_arrays(keys))
    return {MessageId(one.occurrence_id, one.seq): one for one in found}


def installation_id(conn: Connection) -> str:
    """What the Message-IDs of this installation begin with."""
    return str(fetch_value(conn, _SQL["installation_id"]))


def insert_events(conn: Connection, events: Sequence[NewEvent]) -> dict[str, datetime]:
    """Write events; returns the keys of those that were not there yet, with the moment at which they came."""
    rows = fetch_all(conn, _SQL["insert_events"], events=json.dumps([_columns(event) for event in events]))
    return {row["event_key"]: row["received_at"] for row in rows}


def merge_feedback(
    conn: Connection, told: Mapping[MessageId, tuple[CountKey, Told]], *, refused: Collection[MessageId] = ()
) -> Counter[tuple[CountKey, str]]:
    """Add what new events say to what is known of their messages; returns the changes of the counts.

    The key of the counts is stored with the first event of a message and stays. `refused`: those that have failed.
    """
    rows = {key: {**_row(key, counted_by, more), "refused": key in refused} for key, (counted_by, more) in told.items()}
    changes: Counter[tuple[CountKey, str]] = Counter()
    inserted = _insert_feedback(conn, list(rows.values()))
    for one in inserted:
        _count(changes, one, 1)
    if known := rows.keys() - {MessageId(one.occurrence_id, one.seq) for one in inserted}:
        for one in fetch_rows(conn, _Feedback, _SQL["lock_feedback"], **_arrays(known)):
            _count(changes, one, -1)
        for one in _merge_feedback(conn, [rows[key] for key in known]):
            _count(changes, one, 1)
    return changes


def counted_by(conn: Connection, keys: Iterable[MessageId]) -> dict[MessageId, CountKey]:
    """What messages are counted by, as it was stored with their first events."""
    return {
        MessageId(one.occurrence_id, one.seq): _count_key(one)
        for one in fetch_rows(conn, _Feedback, _SQL["counted_by"], **_arrays(keys))
    }


def add_counts(conn: Connection, changes: Mapping[tuple[CountKey, str], int]) -> None:
    """Change the counts, after everything but the feeds: all writers of a task meet at these rows."""
    rows: dict[CountKey, dict[str, int]] = {}
    for (key, column), change in changes.items():
        if change:
            rows.setdefault(key, dict.fromkeys(_COUNTS, 0))[column] = change
    if rows:
        named = [{**key._asdict(), "sent_day": key.sent_day.isoformat(), **counts} for key, counts in rows.items()]
        execute(conn, _SQL["add_counts"], counts=json.dumps(named))


def _insert_feedback(conn: Connection, rows: list[dict[str, Any]]) -> list[_Feedback]:
    return fetch_rows(conn, _Feedback, _SQL["insert_feedback"], feedback=json.dumps(rows))


def _merge_feedback(conn: Connection, rows: list[dict[str, Any]]) -> list[_Feedback]:
    return fetch_rows(conn, _Feedback, _SQL["merge_feedback"], feedback=json.dumps(rows))


def _count(changes: Counter[tuple[CountKey, str]], one: _Feedback, sign: int) -> None:
    key = _count_key(one)
    if column := COUNTED_AS.get(FinalOutcome(one.outcome)):
        changes[key, column] += sign
    if one.outcome == FinalOutcome.SOFT_BOUNCED:
        changes[key, "spam_bounced"] += sign * one.spam
        changes[key, "infrastructure_bounced"] += sign * (one.infrastructure and not one.spam)
    changes[key, "complained"] += sign * one.complained
    changes[key, "unsubscribed"] += sign * one.unsubscribed


def _count_key(one: _Feedback) -> CountKey:
    return CountKey(one.task_id, one.sender_domain, one.sent_day, one.mailbox_provider)


def _row(key: MessageId, counted_by: CountKey, told: Told) -> dict[str, Any]:
    row = {**key._asdict(), **counted_by._asdict(), **_columns(told)}
    return {name: one.isoformat() if hasattr(one, "isoformat") else one for name, one in row.items()}


def _columns(row: NewEvent | Told) -> dict[str, Any]:
    """The fields of a row. (`dataclasses.asdict` copies each value, which takes as long as all the rest.)"""
    return {name: getattr(row, name) for name in row.__slots__}


def _arrays(keys: Iterable[MessageId]) -> dict[str, list[int]]:
    both = sorted(keys)
    return {"occurrences": [key.occurrence_id for key in both], "seqs": [key.seq for key in both]}
