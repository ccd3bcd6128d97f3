"""The list of a task's messages: search, keyset paging, words.

The same search as CSV is export.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.domain.message_state import MessageStatus
from ses_ops.storage.events import task_feedback
from ses_ops.storage.ledger.messages import (
    END,
    MOST_FED_BACK,
    MOST_LOOKED_AT,
    TOP,
    ListedMessage,
    MessagePage,
    MessagePosition,
    MessageSearch,
    message_page,
    whole_or_part,
)

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.console.tasks.query import TaskView
    from ses_ops.storage.events.task_feedback import Key, MessageOutcome, Words
    from ses_ops.storage.ledger.progress import LedgerScope

#: Number of messages on a page.
SIZE = 25


@dataclass(frozen=True, kw_only=True)
class MessageLines:
    """A page of the list."""

    page: MessagePage
    #: What became of those of which somebody told.
    outcomes: dict[Key, MessageOutcome]
    #: What the gravest event of each says, where the list is of an outcome.
    words: dict[Key, Words]
    #: Whether the list has a search or a filter.
    narrowed: bool
    #: Most messages that a page of a search reads.
    most_looked_at: int

    @property
    def next(self) -> str | None:
        """The key of the next page, for its address."""
        return _key(self.page.next) if self.page.next != END else None

    @property
    def previous(self) -> str | None:
        """The key of the page before."""
        return _key(self.page.previous)

    @property
    def is_short(self) -> bool:
        """Whether other pages may have more results although this page is not full."""
        return self.narrowed and len(self.page.rows) < SIZE and bool(self.page.next or self.page.previous)


def list_messages(conn: Connection, scope: LedgerScope, view: TaskView) -> MessageLines:
    """The page of messages that a view asks for."""
    page = message_page(conn, search_of(scope, view, after=view.after, through=view.through), size=SIZE)
    found = [(row.occurrence_id, row.seq) for row in page.rows]
    return MessageLines(
        page=page,
        outcomes=task_feedback.outcomes(conn, found),
        words=task_feedback.words(conn, found) if view.feedback else {},
        most_looked_at=MOST_FED_BACK if view.feedback else MOST_LOOKED_AT,
        narrowed=bool(view.status or view.address or view.feedback),
    )


def search_of(
    scope: LedgerScope, view: TaskView, *, after: MessagePosition = TOP, through: MessagePosition | None = None
) -> MessageSearch:
    """The messages that a view asks for, between two keys."""
    key, part = whole_or_part(view.address)
    return MessageSearch(
        task_id=scope.task_id,
        status=view.status,
        feedback=view.feedback,
        address_key=key,
        part=part,
        occurrence_id=scope.occurrence_id,
        chunk_ids=scope.chunk_ids,
        after=after,
        through=through,
    )


def answer(row: ListedMessage) -> str:
    """What the server said, or why the message is not on its way."""
    said = f"{row.smtp_code or ''} {row.smtp_text or ''}".strip()
    if row.status == MessageStatus.RETRYING and said:
        return said
    return row.chunk_reason or said


def _key(key: MessagePosition | None) -> str | None:
    return f"{key.occurrence_id}.{key.seq}" if key else None
