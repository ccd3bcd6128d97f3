"""What became of a task's messages: its counts, and the messages with an outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.domain.feedback import Feedback, TaskFeedback
from ses_ops.domain.message_feedback import FinalOutcome
from ses_ops.storage.named_sql import fetch_all, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: What a person calls the outcome of a message.
_OUTCOMES = {
    FinalOutcome.DEFERRED: Feedback.DEFERRED,
    FinalOutcome.DROPPED: Feedback.DROPPED,
    FinalOutcome.DELIVERED: Feedback.DELIVERED,
    FinalOutcome.SOFT_BOUNCED: Feedback.SOFT_BOUNCED,
    FinalOutcome.HARD_BOUNCED: Feedback.HARD_BOUNCED,
}
#: The key of a message: its occurrence, and its number in that.
Key = tuple[int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageOutcome:
    """What became of a message."""

    occurrence_id: int
    seq: int
    #: A value of FinalOutcome.
    outcome: int
    complained: bool
    unsubscribed: bool
    last_at: datetime

    @property
    def feedback(self) -> list[Feedback]:
        """The outcomes that count, the gravest first."""
        beside = [(Feedback.COMPLAINED, self.complained), (Feedback.UNSUBSCRIBED, self.unsubscribed)]
        found = [one for one, holds in beside if holds]
        final = FinalOutcome(self.outcome)
        return [*found, _OUTCOMES[final]] if final in _OUTCOMES else found


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What the gravest event of a message says."""

    occurrence_id: int
    seq: int
    kind: str
    hard: bool
    source: str
    #: Why, by domain/delivery_failure.py.
    reason: str | None
    status: str | None
    #: The server's words.
    diagnostic: str
    occurred_at: datetime


def counts(conn: Connection, task_id: int) -> TaskFeedback:
    """The numbers of a task's messages by outcome; one statement, which reads no message."""
    (row,) = fetch_all(conn, _SQL["counts"], task_id=task_id)
    return TaskFeedback(**{**row, "feeds": tuple(row["feeds"])})


def keys(
    conn: Connection,
    *,
    task_id: int,
    feedback: Feedback,
    occurrence_id: int | None,
    after: Key,
    through: Key,
    back: bool,
    limit: int,
) -> list[Key]:
    """The keys of messages with an outcome, behind `after` and up to `through`; with `back` the last, in reverse."""
    rows = fetch_all(
        conn,
        _SQL["keys"],
        task_id=task_id,
        feedback=feedback.value,
        outcome=next((outcome.value for outcome, one in _OUTCOMES.items() if one is feedback), 0),
        occurrence_id=occurrence_id,
        after_occurrence=after[0],
        after_seq=after[1],
        through_occurrence=through[0],
        through_seq=through[1],
        back=back,
        limit=limit,
    )
    return [(row["occurrence_id"], row["seq"]) for row in rows]


def outcomes(conn: Connection, found: Sequence[Key]) -> dict[Key, MessageOutcome]:
    """What became of some messages; nothing of those of which nobody told."""
    rows = fetch_all(conn, _SQL["outcomes"], **_columns(found)) if found else []
    return {(row["occurrence_id"], row["seq"]): MessageOutcome(**row) for row in rows}


def words(conn: Connection, found: Sequence[Key]) -> dict[Key, Words]:
    """What the gravest event of each of some messages says."""
    rows = fetch_all(conn, _SQL["words"], **_columns(found)) if found else []
    return {(row["occurrence_id"], row["seq"]): Words(**row) for row in rows}


def _columns(found: Sequence[Key]) -> dict[str, list[int]]:
    return {"occurrences": [one[0] for one in found], "seqs": [one[1] for one in found]}
