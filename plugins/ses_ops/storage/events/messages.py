"""What became of single messages: a message's events, the messages of an address, the messages of a task by outcome."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ses_ops.domain.message_feedback import FinalOutcome
from ses_ops.storage.ledger.messages import END, TOP, MessagePosition
from ses_ops.storage.named_sql import fetch_row, fetch_rows, statements

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: Largest number of events of one message that are read: a server may defer it every few minutes for days.
MOST_EVENTS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEvent:
    """An event of a message."""

    event_key: str
    #: By the clock of the source, which may be wrong, and by ours.
    occurred_at: datetime
    received_at: datetime
    #: An EventKind, or a later one.
    kind: str
    hard: bool
    source: str
    source_id: str
    provider_kind: str
    #: A `delivery_failure.Reason`; None: not known.
    reason: str | None
    status: str | None
    #: The server's words, and the event as it came; both "" of an erased person.
    diagnostic: str
    raw: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageFacts:
    """A message, what the mail server answered, and what became of it."""

    task: str
    task_id: int
    task_type: str
    task_deleted: bool
    #: Number of the task's start.
    start: int
    occurrence_id: int
    seq: int
    address: str
    sender_domain: str
    #: A `MessageState`.
    state: str
    tries: int
    smtp_code: int | None
    smtp_text: str | None
    changed_at: datetime | None
    queued_at: datetime | None
    first_deferred_at: datetime | None
    #: A `FinalOutcome`.
    outcome: int
    complained: bool
    unsubscribed: bool
    #: None, as the two moments (by the sources' clocks): no event has come.
    mailbox_provider: str | None
    first_at: datetime | None
    last_at: datetime | None

    @property
    def position(self) -> MessagePosition:
        """Its place in a list: further messages are asked for by it."""
        return MessagePosition(self.occurrence_id, self.seq)


class FeedbackKind(StrEnum):
    """The lists of a task's messages by what became of them."""

    DEFERRED = "deferred"
    DELIVERED = "delivered"
    DROPPED = "dropped"
    SOFT_BOUNCED = "soft_bounced"
    HARD_BOUNCED = "hard_bounced"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedFeedback:
    """A message in such a list."""

    occurrence_id: int
    seq: int
    start: int
    address: str
    outcome: int
    complained: bool
    unsubscribed: bool
    mailbox_provider: str
    first_at: datetime
    last_at: datetime
    #: The server's words; None in lists where no server refuses.
    diagnostic: str | None

    @property
    def position(self) -> MessagePosition:
        """Its place in the list."""
        return MessagePosition(self.occurrence_id, self.seq)


def timeline(conn: Connection, occurrence_id: int, seq: int) -> list[StoredEvent]:
    """The events of a message, by the clock of the sources."""
    return fetch_rows(conn, StoredEvent, _SQL["timeline"], occurrence_id=occurrence_id, seq=seq, limit=MOST_EVENTS)


def message(conn: Connection, occurrence_id: int, seq: int) -> MessageFacts | None:
    """A message; None: it is not in the ledger."""
    return fetch_row(conn, MessageFacts, _SQL["message"], occurrence_id=occurrence_id, seq=seq)


def messages_of_address(
    conn: Connection, address_key: str, *, before: MessagePosition = END, limit: int = 100
) -> list[MessageFacts]:
    """The messages of an address over all tasks, newest first, also those of an erased person."""
    return fetch_rows(
        conn,
        MessageFacts,
        _SQL["messages_of_address"],
        address_key=address_key,
        before_occurrence=before.occurrence_id,
        before_seq=before.seq,
        limit=limit,
    )


def messages_of_task(
    conn: Connection, task_id: int, kind: FeedbackKind, *, after: MessagePosition = TOP, limit: int = 100
) -> list[ListedFeedback]:
    """The messages of a task that became this, in the order of sending."""
    page: dict[str, Any] = {
        "task_id": task_id,
        "after_occurrence": after.occurrence_id,
        "after_seq": after.seq,
        "limit": limit,
    }
    if kind is FeedbackKind.COMPLAINED:
        return fetch_rows(conn, ListedFeedback, _SQL["complained"], **page)
    if kind is FeedbackKind.UNSUBSCRIBED:
        return fetch_rows(conn, ListedFeedback, _SQL["unsubscribed"], **page)
    if kind is FeedbackKind.DELIVERED:
        return fetch_rows(conn, ListedFeedback, _SQL["delivered"], **page)
    return fetch_rows(conn, ListedFeedback, _SQL["not_delivered"], outcome=FinalOutcome[kind.name].value, **page)
