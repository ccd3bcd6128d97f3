"""What is stored of messages and counts, compared with what the events and the messages say; and set right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.domain.message_feedback import Bounce, Told
from ses_ops.storage.named_sql import execute, fetch_rows, fetch_value, fetch_values, statements
from ses_ops.storage.stored_moments import FIRST

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class WrongFeedback:
    """A message of which something else is stored than its events say; the fields are what the events say."""

    seq: int
    #: Nothing is stored of the message.
    missing: bool
    #: There is no event of the message.
    untold: bool
    deferred: bool
    delivered: bool
    dropped: bool
    bounced: int
    spam: bool
    infrastructure: bool
    complained: bool
    unsubscribed_at: datetime | None
    resubscribed_at: datetime | None
    first_at: datetime
    last_at: datetime

    @property
    def told(self) -> Told:
        """What the events say."""
        return Told(
            deferred=self.deferred,
            delivered=self.delivered,
            dropped=self.dropped,
            bounced=Bounce(self.bounced),
            spam=self.spam,
            infrastructure=self.infrastructure,
            complained=self.complained,
            unsubscribed_at=self.unsubscribed_at,
            resubscribed_at=self.resubscribed_at,
            first_at=self.first_at,
            last_at=self.last_at,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class WrongCount:
    """Counts of a task that are stored otherwise than its messages say; an empty dictionary: there are none."""

    sender_domain: str
    sent_day: datetime
    mailbox_provider: str
    stored: dict[str, int]
    counted: dict[str, int]


def kept_from(conn: Connection) -> datetime:
    """The beginning of the oldest month whose events are kept."""
    found: datetime | None = fetch_value(conn, _SQL["kept_from"])
    return found or FIRST


def occurrences(conn: Connection) -> list[int]:
    """The starts that have messages."""
    return fetch_values(conn, _SQL["occurrences"])


def tasks(conn: Connection) -> list[int]:
    """The tasks that may have counts."""
    return fetch_values(conn, _SQL["tasks"])


def wrong_feedback(conn: Connection, occurrence_id: int, *, kept_from: datetime) -> list[WrongFeedback]:
    """The messages of a start of which something else is stored than their events say."""
    return fetch_rows(conn, WrongFeedback, _SQL["wrong_feedback"], occurrence_id=occurrence_id, kept_from=kept_from)


def wrong_counts(conn: Connection, task_id: int) -> list[WrongCount]:
    """The counts of a task that its messages do not give."""
    return fetch_rows(conn, WrongCount, _SQL["wrong_counts"], task_id=task_id)


def hold_writers(conn: Connection) -> None:
    """Let nobody record events until the end of the transaction."""
    execute(conn, _SQL["hold_writers"])


def remove_feedback(conn: Connection, occurrence_id: int, seqs: Iterable[int]) -> None:
    """Remove what is stored of messages."""
    execute(conn, _SQL["remove_feedback"], occurrence_id=occurrence_id, seqs=list(seqs))


def count_anew(conn: Connection, task_id: int) -> None:
    """Write the counts of a task from what is known of its messages."""
    execute(conn, _SQL["remove_counts"], task_id=task_id)
    execute(conn, _SQL["count_anew"], task_id=task_id)
