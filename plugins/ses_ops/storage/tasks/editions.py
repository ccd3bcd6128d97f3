"""Editions of a send task: its definitions, present and past, and their mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_all, fetch_one, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: Largest number of editions that a page shows, newest first.
SHOWN = 20
#: Numbers of occurrences, and of messages of each, that are read to check a change against unsent mail.
MOST_OCCURRENCES, MOST_OF_EACH = 50, 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Edition:
    """The content of a task's mail for some time. `sent`: number of messages sent with it."""

    number: int
    template: str
    subject: str | None
    sender: str
    reply_to: str | None
    unsubscribe_url: str | None
    unsubscribe: str
    advertisement: str
    #: None: as the sender domain says.
    track_opens: bool | None
    track_clicks: bool | None
    #: The end of the edition; None for the present one.
    replaced_at: datetime | None
    replaced_by: str
    sent: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MailOfTask:
    """Counts of messages over all of a task's occurrences."""

    #: Whether an occurrence has begun, also one whose audience could not be frozen because of an error.
    begun: bool
    #: Whether the audience of an occurrence has been frozen.
    frozen: bool
    sent: int
    suppressed: int
    failed: int
    unknown: int
    #: Messages that are not sent yet, with those that are being sent.
    waiting: int
    leaving: int

    @property
    def left(self) -> int:
        """Number of messages that have not left, or are in doubt."""
        return self.waiting + self.failed + self.unknown


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageLeft:
    """A message that has not left."""

    occurrence_id: int
    seq: int
    address: str
    values: dict[str, str | None]


def begin_edition(conn: Connection, task_id: int, *, by: str) -> None:
    """Store the present edition and count on, before the task's row is changed. The caller holds the row."""
    execute(conn, _SQL["keep_former"], task_id=task_id, by=by)
    execute(conn, _SQL["next_edition"], task_id=task_id)


def editions(conn: Connection, task_id: int) -> list[Edition]:
    """The newest editions, at most SHOWN."""
    return [Edition(**row) for row in fetch_all(conn, _SQL["editions"], task_id=task_id, limit=SHOWN)]


def mail_of_task(conn: Connection, task_id: int) -> MailOfTask:
    """The counts of a task's mail."""
    row = fetch_one(conn, _SQL["mail_of_task"], task_id=task_id)
    assert row is not None
    return MailOfTask(**row)


def first_left(conn: Connection, task_id: int) -> list[MessageLeft]:
    """A few messages that have not left, of each of the newest occurrences, the oldest occurrence first."""
    most = {"most": MOST_OCCURRENCES, "each": MOST_OF_EACH}
    return [MessageLeft(**row) for row in fetch_all(conn, _SQL["first_left"], task_id=task_id, **most)]


def due_now(conn: Connection, name: str) -> bool:
    """Whether a run of the task would send mail at this moment, if there is quota."""
    row = fetch_one(conn, _SQL["due_now"], name=name)
    return bool(row and row["due"])
