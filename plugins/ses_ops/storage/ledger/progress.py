"""The progress of a send task, an occurrence or a DAG run.

It is read from counters and attempts, not from messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_ops.domain.message_state import ChunkState, MessageStatus
from ses_ops.storage.named_sql import fetch_all, fetch_one, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: Largest number of chunks whose attempts are in a chart.
MOST_CHUNKS = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerScope:
    """The scope of a page: a whole task, an occurrence, or the mail of a DAG run."""

    task_id: int
    occurrence_id: int | None = None
    run_id: str | None = None
    #: Ids of the run's chunks; None without a run.
    chunk_ids: list[int] | None = None

    @property
    def is_whole(self) -> bool:
        """The scope of a whole task."""
        return self.occurrence_id is None and self.chunk_ids is None

    @property
    def values(self) -> dict[str, Any]:
        """The scope as parameters of a statement."""
        return {"task_id": self.task_id, "occurrence_id": self.occurrence_id, "chunk_ids": self.chunk_ids}


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageCounts:
    """Numbers of messages by MessageStatus, which always add up to the requested ones."""

    request_count: int
    sent_count: int
    failed_count: int
    suppressed_count: int
    unknown_count: int
    cancelled_count: int
    cached_count: int
    retrying_count: int
    #: Messages that wait for a reservation, or for a sender.
    queued_count: int
    #: Messages that a living sender holds.
    in_progress_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts(MessageCounts):
    """The messages of a scope, and the number of its chunks."""

    chunks: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class OccurrenceProgress(Counts):
    """One occurrence of a task, and the counts of its mail."""

    id: int
    #: The number of the occurrence, from 1, in the order of the task's starts.
    number: int
    key: str
    #: The DAG run that began the occurrence.
    run_id: str
    logical_at: datetime | None
    created_at: datetime
    #: Why the occurrence waits for a person instead of starting, or was superseded.
    held_reason: str | None
    frozen_at: datetime | None
    finished_at: datetime | None
    #: When its cached mail is resumed by itself.
    due_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkProgress:
    """A chunk. `seconds`: the time of sending; `handled`: number of messages that got an outcome then."""

    id: int
    occurrence_id: int
    occurrence: str
    #: The number of the occurrence.
    occurrence_number: int
    first_seq: int
    last_seq: int
    state: ChunkState
    #: The status of the pending messages; None without any.
    standing: MessageStatus | None
    pending: int
    sent: int
    failed: int
    suppressed: int
    unknown: int
    cached_at: datetime | None
    next_try_at: datetime | None
    #: Why the pending messages are not being sent.
    why: str | None
    #: The run that sends the chunk, or sent it last.
    run_id: str | None
    reserved_at: datetime | None
    attempt_id: int | None
    attempts: int
    seconds: float | None
    handled: int | None

    @property
    def rate(self) -> float | None:
        """Messages a second while the chunk was being sent; None when that is not known."""
        return self.handled / self.seconds if self.handled and self.seconds else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Burst:
    """The messages that one attempt at a chunk sent, and the time."""

    started_at: datetime
    ended_at: datetime
    sent: int
    failed: int
    alive: bool
    #: The id of the DAG run.
    run_id: str = ""
    #: Whether the attempt was killed or stopped in the middle of its work.
    interrupted: bool = False

    @property
    def rate(self) -> float:
        """Messages a second."""
        seconds = (self.ended_at - self.started_at).total_seconds()
        return (self.sent + self.failed) / seconds if seconds > 0 else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonsPause:
    """A pause of the task by a person; `resumed_at` is None while it lasts."""

    paused_at: datetime
    resumed_at: datetime | None


def pauses(conn: Connection, task_id: int) -> list[PersonsPause]:
    """The pauses of a task by persons."""
    return [PersonsPause(**row) for row in fetch_all(conn, _SQL["pauses"], task_id=task_id)]


def scope_of_run(conn: Connection, task_id: int, run_id: str) -> LedgerScope:
    """The scope of a DAG run."""
    rows = fetch_all(conn, _SQL["chunks_of_run"], task_id=task_id, run_id=run_id)
    return LedgerScope(task_id=task_id, run_id=run_id, chunk_ids=[row["id"] for row in rows])


def counts(conn: Connection, scope: LedgerScope) -> Counts:
    """The counts of a scope's messages."""
    row = fetch_one(conn, _SQL["counts"], **scope.values)
    assert row is not None
    return Counts(**row)


def occurrences(
    conn: Connection, scope: LedgerScope, *, limit: int, before: int | None = None
) -> list[OccurrenceProgress]:
    """The newest occurrences, or those before one occurrence."""
    rows = fetch_all(
        conn,
        _SQL["occurrences"],
        task_id=scope.task_id,
        run_id=scope.run_id,
        chunk_ids=scope.chunk_ids or [],
        before=before,
        limit=limit,
    )
    return [OccurrenceProgress(**row) for row in rows]


def occurrence_by_number(conn: Connection, task_id: int, number: int) -> int | None:
    """The id of a task's start by its number, from 1."""
    row = fetch_one(conn, _SQL["occurrence_by_number"], task_id=task_id, number=number)
    return row["id"] if row else None


def newer_key(conn: Connection, scope: LedgerScope, *, before: int, limit: int) -> int | None:
    """The `before` of the page of newer occurrences; None when that is the newest page."""
    values = {"task_id": scope.task_id, "run_id": scope.run_id, "chunk_ids": scope.chunk_ids or []}
    row = fetch_one(conn, _SQL["newer_key"], **values, before=before, limit=limit)
    return row["id"] if row else None


def chunks(conn: Connection, scope: LedgerScope, *, limit: int, offset: int = 0) -> list[ChunkProgress]:
    """The chunks: those being sent, the cached ones, then the settled ones, newest first."""
    rows = fetch_all(conn, _SQL["chunks"], **scope.values, limit=limit, offset=offset)
    return [ChunkProgress(**{**row, **_enums(row)}) for row in rows]


def _enums(row: dict[str, Any]) -> dict[str, Any]:
    standing = row["standing"]
    return {"state": ChunkState(row["state"]), "standing": None if standing is None else MessageStatus(standing)}


def bursts(conn: Connection, scope: LedgerScope) -> list[Burst]:
    """The bursts of the MOST_CHUNKS newest chunks, in the order of time."""
    rows = fetch_all(conn, _SQL["bursts"], **scope.values, run_id=scope.run_id, limit=MOST_CHUNKS)
    return [Burst(**row) for row in rows]
