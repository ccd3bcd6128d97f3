"""What became of a test send."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.domain.message_state import MessageStatus
from ses_ops.storage.named_sql import fetch_all, fetch_one, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: Before the run id in the name of its send task.
NAME_PREFIX = "test-send "


@dataclass(frozen=True, kw_only=True, slots=True)
class TestMessage:
    """One of its messages."""

    __test__ = False  # not a test class, whatever its name

    address: str
    status: MessageStatus
    smtp_code: int | None
    #: The server's words, or why it is suppressed.
    smtp_text: str | None
    changed_at: datetime | None
    #: Why it waits.
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TestSendOutcome:
    """A test send in the ledger: it is there from the moment when its run begins to send."""

    __test__ = False  # not a test class, whatever its name

    template: str
    subject: str | None
    sender: str
    sender_domain: str
    created_at: datetime
    #: The day's quota had no room, and nothing was sent.
    given_up: bool
    error: str | None
    messages: tuple[TestMessage, ...]

    @property
    def decided(self) -> bool:
        """Whether the fate of every message is known, or in doubt for a person."""
        open_ones = (MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.CACHED, MessageStatus.RETRYING)
        return self.given_up or not any(message.status in open_ones for message in self.messages)

    def count(self, status: MessageStatus) -> int:
        """Messages of a status."""
        return sum(message.status is status for message in self.messages)


def find(conn: Connection, run_id: str) -> TestSendOutcome | None:
    """The test send of a run; None before it began."""
    task = fetch_one(conn, _SQL["test_send"], name=NAME_PREFIX + run_id)
    if task is None:
        return None
    rows = fetch_all(conn, _SQL["messages"], task_id=task["id"])
    return TestSendOutcome(
        template=task["template"],
        subject=task["subject"],
        sender=task["sender"],
        sender_domain=task["sender_domain"],
        created_at=task["created_at"],
        given_up=task["cancelled_at"] is not None,
        error=task["error"],
        messages=tuple(TestMessage(**{**row, "status": MessageStatus(row["status"])}) for row in rows),
    )
