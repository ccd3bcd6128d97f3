"""Where a send task stands, or one of its occurrences, or one of its DAG runs: counters and attempts, no messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_ops.domain.message_state import ChunkState, MessageStatus
from ses_ops.storage.named_sql import fetch_all, fetch_one, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)

#: Chunks whose attempts a chart is made of.
MOST_CHUNKS = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What part of a task is looked at: all of it, an occurrence, or what a DAG run is about."""

    task_id: int
    occurrence_id: int | None = None
    run_id: str | None = None
    #: The run's chunks; None without a run.
    chunk_ids: list[int] | None = None

    @property
    def is_whole(self) -> bool:
        """All of the task."""
        return self.occurrence_id is None and self.chunk_ids is None

    @property
    def values(self) -> dict[str, Any]:
        """For statements."""
        return {"task_id": self.task_id, "occurrence_id": self.occurrence_id, "chunk_ids": self.chunk_ids}


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Messages by MessageStatus; together they are the requested ones, always. `chunks`: how many there are."""

    request_count: int
    sent_count: int
    failed_count: int
    suppressed_count: int
    unknown_count: int
    cancelled_count: int
    cached_count: int
    retrying_count: int
    #: Wait for their turn.
    queued_count: int
    #: On their way: a living sender holds them.
    in_progress_count: int
    chunks: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class OccurrenceProgress(Counts):
    """One start of a task, and where its mail stands."""

    id: int
    #: From 1, in the order of the starts of its task.
    number: int
    key: str
    #: The DAG run that began it.
    run_id: str
    logical_at: datetime | None
    created_at: datetime
    #: Why it waits for a person instead of starting, or was given up.
    held_reason: str | None
    frozen_at: datetime | None
    finished_at: datetime | None
    #: When waiting mail of it goes on by itself.
    due_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkProgress:
    """A range of an occurrence's messages. `seconds`: how long it was being sent; `handled`: what became of it then."""

    id: int
    occurrence_id: int
    occurrence: str
    #: Of the start.
    occurrence_number: int
    first_seq: int
    last_seq: int
    state: ChunkState
    #: Where its pending messages stand; None when it has none.
    standing: MessageStatus | None
    pending: int
    sent: int
    failed: int
    suppressed: int
    unknown: int
    cached_at: datetime | None
    next_try_at: datetime | None
    #: Why its pending messages are not on their way.
    why: str | None
    #: The run that sends it, or did last.
    run_id: str | None
    reserved_at: datetime | None
    attempt_id: int | None
    attempts: int
    seconds: float | None
    handled: int | None

    @property
    def rate(self) -> float | None:
        """Messages a second while it was being sent; None when nobody can say."""
        return self.handled / self.seconds if self.handled and self.seconds else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Burst:
    """What one attempt at a chunk sent, and when."""

    started_at: datetime
    ended_at: datetime
    sent: int
    failed: int
    alive: bool
    #: Of the DAG run.
    run_id: str = ""
    #: It was killed or stopped in the middle of its work.
    interrupted: bool = False

    @property
    def rate(self) -> float:
        """Messages a second."""
        seconds = (self.ended_at - self.started_at).total_seconds()
        return (self.sent + self.failed) / seconds if seconds > 0 else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonsPause:
    """A time in which a person had paused the task; None: they still do."""

    paused_at: datetime
    resumed_at: datetime | None


def pauses(conn: Connection, task_id: int) -> list[PersonsPause]:
    """When persons had paused a task."""
    return [PersonsPause(**row) for row in fetch_all(conn, _SQL["pauses"], task_id=task_id)]


def scope_of_run(conn: Connection, task_id: int, run_id: str) -> Scope:
    """What a DAG run is about."""
    rows = fetch_all(conn, _SQL["chunks_of_run"], task_id=task_id, run_id=run_id)
    return Scope(task_id=task_id, run_id=run_id, chunk_ids=[row["id"] for row in rows])


def counts(conn: Connection, scope: Scope) -> Counts:
    """Where the messages of a scope stand."""
    row = fetch_one(conn, _SQL["counts"], **scope.values)
    assert row is not None
    return Counts(**row)


def occurrences(conn: Connection, scope: Scope, *, limit: int, before: int | None = None) -> list[OccurrenceProgress]:
    """The newest occurrences, or those before one of them."""
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


def newer_key(conn: Connection, scope: Scope, *, before: int, limit: int) -> int | None:
    """The `before` of the page that stands in front of the one before an occurrence; None when that is the newest."""
    values = {"task_id": scope.task_id, "run_id": scope.run_id, "chunk_ids": scope.chunk_ids or []}
    row = fetch_one(conn, _SQL["newer_key"], **values, before=before, limit=limit)
    return row["id"] if row else None


def chunks(conn: Connection, scope: Scope, *, limit: int, offset: int = 0) -> list[ChunkProgress]:
    """Chunks: those being sent, those that wait, then the settled ones, the newest first."""
    rows = fetch_all(conn, _SQL["chunks"], **scope.values, limit=limit, offset=offset)
    return [ChunkProgress(**{**row, **_enums(row)}) for row in rows]


def _enums(row: dict[str, Any]) -> dict[str, Any]:
    standing = row["standing"]
    return {"state": ChunkState(row["state"]), "standing": None if standing is None else MessageStatus(standing)}


def bursts(conn: Connection, scope: Scope) -> list[Burst]:
    """What left when, in the order of time; of the MOST_CHUNKS newest chunks."""
    rows = fetch_all(conn, _SQL["bursts"], **scope.values, run_id=scope.run_id, limit=MOST_CHUNKS)
    return [Burst(**row) for row in rows]
