"""Editions of a send task: what it is now, what it was, and what of its mail a change can still reach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_all, fetch_one, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: Editions that a page shows, the newest first.
SHOWN = 20
#: Occurrences, and messages of each, that are looked at to see whether a change fits what is left.
MOST_OCCURRENCES, MOST_OF_EACH = 50, 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Edition:
    """What a task's mail was made of for some time. `sent`: messages that left with it."""

    number: int
    template: str
    subject: str | None
    sender: str
    reply_to: str | None
    unsubscribe_url: str | None
    advertisement: str
    #: None for the edition that is in use.
    replaced_at: datetime | None
    replaced_by: str
    sent: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MailOfTask:
    """Counts of messages over all of a task's occurrences."""

    #: An occurrence has begun, which an error may have kept from reading its audience.
    begun: bool
    #: The audience of an occurrence has been read.
    frozen: bool
    sent: int
    suppressed: int
    failed: int
    unknown: int
    #: Not sent yet, those that are leaving now among them.
    waiting: int
    leaving: int

    @property
    def left(self) -> int:
        """Messages that have not left, or of which nobody knows."""
        return self.waiting + self.failed + self.unknown


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageLeft:
    """One that has not left."""

    occurrence_id: int
    seq: int
    address: str
    values: dict[str, str | None]


def begin_edition(conn: Connection, task_id: int, *, by: str) -> None:
    """Keep what the task is and count one on, before its row is changed. The caller holds the row."""
    execute(conn, _SQL["keep_former"], task_id=task_id, by=by)
    execute(conn, _SQL["next_edition"], task_id=task_id)


def editions(conn: Connection, task_id: int) -> list[Edition]:
    """The newest first, at most SHOWN."""
    return [Edition(**row) for row in fetch_all(conn, _SQL["editions"], task_id=task_id, limit=SHOWN)]


def mail_of_task(conn: Connection, task_id: int) -> MailOfTask:
    """Where a task's mail stands."""
    row = fetch_one(conn, _SQL["mail_of_task"], task_id=task_id)
    assert row is not None
    return MailOfTask(**row)


def first_left(conn: Connection, task_id: int) -> list[MessageLeft]:
    """A few messages that have not left, of each of the newest occurrences, the oldest occurrence first."""
    most = {"most": MOST_OCCURRENCES, "each": MOST_OF_EACH}
    return [MessageLeft(**row) for row in fetch_all(conn, _SQL["first_left"], task_id=task_id, **most)]


def due_now(conn: Connection, name: str) -> bool:
    """Whether a run of the task would send something this moment, if its quota has room."""
    row = fetch_one(conn, _SQL["due_now"], name=name)
    return bool(row and row["due"])
