"""A message from its queue to its last event, and what one address got from all tasks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.errors import NotFound
from ses_ops.storage.named_sql import fetch_all, fetch_row, fetch_rows, fetch_value, statements
from ses_ops.storage.suppression.hashed_suppression import erased_address
from ses_ops.storage.tasks.test_sends import NAME_PREFIX

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: Most events of a message that a page shows; a person who opens a mail every day comes to a thousand in three years.
MOST_EVENTS = 500
#: The position before the newest message of an address.
NEWEST = (2**63 - 1, 2**31 - 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerMessage:
    """A message with what it belongs to."""

    occurrence_id: int
    seq: int
    address: str
    #: A value of MessageStatus.
    status: str
    tries: int
    smtp_code: int | None
    #: The server's words, or why the message is suppressed.
    smtp_text: str | None
    changed_at: datetime | None
    next_try_at: datetime | None
    #: Why a pending message is not on its way.
    chunk_reason: str
    #: Number of the start, from 1, and when its audience was written.
    start: int
    queued_at: datetime | None
    task_id: int
    task: str
    task_type: str
    deleted_at: datetime | None
    sender: str
    sender_domain: str
    template: str
    #: Machine and DAG run of the last try; None before one.
    host: str | None
    run_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEvent:
    """An event as it was told."""

    event_key: str
    #: By the clock of the source; then by ours.
    occurred_at: datetime
    received_at: datetime
    #: A value of EventKind or EngagementKind, or a kind that a later version stores.
    kind: str
    hard: bool
    source: str
    provider_kind: str
    reason: str | None
    status: str | None
    diagnostic: str
    #: The event as it came, of an open or a click the client while it is kept; empty unless it was asked for.
    raw: str
    #: Of an open or a click: `person`, `machine` or `unknown`, and the name of the rule (domain/engagement_verdict.py).
    verdict: str = ""
    rule: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageTo:
    """A message to one address, in a list over all tasks."""

    occurrence_id: int
    seq: int
    address: str
    #: A value of MessageState, or `pending`.
    status: str
    tries: int
    smtp_code: int | None
    smtp_text: str | None
    changed_at: datetime | None
    start: int
    queued_at: datetime | None
    task_id: int
    task: str
    task_type: str
    deleted_at: datetime | None

    @property
    def key(self) -> tuple[int, int]:
        """The message's key."""
        return self.occurrence_id, self.seq


def message(conn: Connection, occurrence_id: int, seq: int) -> LedgerMessage:
    """A message of the ledger. Raises NotFound."""
    found = fetch_row(conn, LedgerMessage, _SQL["message"], occurrence_id=occurrence_id, seq=seq)
    if found is None:
        raise NotFound("message", f"{occurrence_id}.{seq}")
    return found


def events(conn: Connection, occurrence_id: int, seq: int, *, with_raw: bool) -> list[StoredEvent]:
    """The events of a message in the order in which they happened, at most MOST_EVENTS."""
    asked = {"occurrence_id": occurrence_id, "seq": seq, "with_raw": with_raw, "limit": MOST_EVENTS}
    return fetch_rows(conn, StoredEvent, _SQL["events"], **asked)


def messages_of_test(conn: Connection, run_id: str) -> list[LedgerMessage]:
    """The messages of a test send; none before its run has begun to send."""
    keys = fetch_all(conn, _SQL["messages_of_test"], name=NAME_PREFIX + run_id)
    return [message(conn, **key) for key in keys]


def keys_of_person(conn: Connection, address_key: str) -> list[str]:
    """The keys under which the ledger may have an address: itself, and its hash once the person was erased."""
    return [address_key, erased_address(conn, address_key)]


def messages_to(
    conn: Connection, address_keys: list[str], *, before: tuple[int, int] = NEWEST, limit: int
) -> list[MessageTo]:
    """The messages to one address before a key, the newest start first."""
    return fetch_rows(
        conn,
        MessageTo,
        _SQL["messages_to"],
        address_keys=address_keys,
        before_occurrence=before[0],
        before_seq=before[1],
        limit=limit,
    )


def count_to(conn: Connection, address_keys: list[str]) -> int:
    """Number of messages to one address."""
    return int(fetch_value(conn, _SQL["count_to"], address_keys=address_keys))
