"""Test sends and the outcomes of their messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.domain.message_state import MessageStatus
from ses_ops.storage.named_sql import fetch_all, fetch_one, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: The prefix before the run id in the name of a test send's task.
NAME_PREFIX = "test-send "


@dataclass(frozen=True, kw_only=True, slots=True)
class TestMessage:
    """A message of a test send."""

    __test__ = False  # not a test class, whatever its name

    address: str
    status: MessageStatus
    smtp_code: int | None
    #: The server's reply, or why the message is suppressed.
    smtp_text: str | None
    changed_at: datetime | None
    #: Why the message waits.
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TestSendOutcome:
    """A test send in the ledger, which has it from the moment at which its run begins to send."""

    __test__ = False  # not a test class, whatever its name

    template: str
    subject: str | None
    sender: str
    sender_domain: str
    created_at: datetime
    #: Whether the test send ended without sending, because the day's quota was used up.
    given_up: bool
    error: str | None
    messages: tuple[TestMessage, ...]

    @property
    def decided(self) -> bool:
        """Whether every message has an outcome, or is in doubt for a person."""
        open_ones = (MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.CACHED, MessageStatus.RETRYING)
        return self.given_up or not any(message.status in open_ones for message in self.messages)

    def count(self, status: MessageStatus) -> int:
        """Number of messages of a status."""
        return sum(message.status is status for message in self.messages)


def find(conn: Connection, run_id: str) -> TestSendOutcome | None:
    """The test send of a run; None before it has begun."""
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
