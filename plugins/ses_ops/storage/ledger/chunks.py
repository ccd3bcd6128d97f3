"""Chunks: ranges of an occurrence's messages, cached until a run reserves quota for them.

A transaction that needs the rows of a chunk and of its quota day locks the day first, as reserving does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ses_ops.domain.message_state import ChunkState
from ses_ops.errors import Explanation
from ses_ops.storage.named_sql import (
    execute,
    explained,
    fetch_one,
    fetch_row,
    fetch_rows,
    fetch_value,
    fetch_values,
    statements,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.domain.message_state import MessageState

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class CachedChunk:
    """A cached chunk whose row is locked. Counts are messages."""

    id: int
    occurrence_id: int
    first_seq: int
    last_seq: int
    pending: int
    sent: int
    failed: int
    suppressed: int
    unknown: int
    #: The last message that is marked.
    sending_through: int
    #: The moment at which the chunk was cached for lack of quota; None before that.
    cached_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CachedMail:
    """Messages of a sender domain that were cached at one moment."""

    cached_at: datetime
    pending: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReservedChunk:
    """A chunk that a run holds."""

    id: int
    run_id: str
    #: The reason why the last attempt ended.
    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedChunk:
    """A chunk whose row is locked. Counts are messages."""

    id: int
    occurrence_id: int
    task_id: int
    state: ChunkState
    first_seq: int
    last_seq: int
    pending: int
    sent: int
    unknown: int
    #: The run that holds the chunk, or held it last.
    run_id: str | None
    #: The last message that is marked.
    sending_through: int
    quota_day_id: int | None
    #: Number of places of the quota day that are reserved for the chunk.
    reserved: int
    #: Number of its sent and unknown messages at the moment of the reservation.
    used_before: int
    attempt_id: int | None
    #: Number of runs in a row that ended for another reason than the quota.
    setbacks: int
    #: Number of statements of the newest attempt that were committed.
    steps: int

    @property
    def used(self) -> int:
        """Number of places of the quota day that this reservation has used."""
        return self.sent + self.unknown - self.used_before


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkReservation:
    """The reservation of a chunk, read without a lock."""

    state: ChunkState
    quota_day_id: int | None
    pending: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CachedSummary:
    """The cached messages of a task: number, the first due time, and the reason of those due first."""

    due_at: datetime | None
    pending: int
    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkWithOutcome:
    """A chunk that holds failed or unknown messages."""

    id: int
    state: ChunkState


def lock_cached_of_task(conn: Connection, *, task_id: int, now: datetime, all_due: bool) -> list[CachedChunk]:
    """Lock the cached chunks of a task that are due, or all of them, oldest cached first."""
    return fetch_rows(conn, CachedChunk, _SQL["lock_cached_of_task"], task_id=task_id, now=now, all_due=all_due)


def cached_besides(conn: Connection, *, sender_domain: str, mine: Sequence[int], ends_at: datetime) -> list[CachedMail]:
    """Cached mail of a domain besides the chunks `mine` that becomes due before `ends_at`, by the moment of caching."""
    values = {"sender_domain": sender_domain, "mine": list(mine), "ends_at": ends_at}
    return fetch_rows(conn, CachedMail, _SQL["cached_besides"], **values)


def cut(conn: Connection, chunk: CachedChunk, *, pending: int) -> CachedChunk:
    """Cut a chunk behind its first `pending` pending messages; returns the second part, cached as before.

    The quota day is locked meanwhile, for which single messages wait: a million messages are cut in a tenth of a second
    while none of them has an outcome, else in a second.
    """
    last, head = _head(conn, chunk, pending)
    tail: dict[str, Any] = {state: getattr(chunk, state) - count for state, count in head.items()}
    execute(conn, _SQL["shrink_chunk"], id=chunk.id, last_seq=last, **head)
    rest = {"first_seq": last + 1, "last_seq": chunk.last_seq, "sending_through": chunk.sending_through}
    return replace(
        chunk, id=fetch_value(conn, _SQL["insert_rest"], id=chunk.id, **rest, **tail), first_seq=last + 1, **tail
    )


def _head(conn: Connection, chunk: CachedChunk, pending: int) -> tuple[int, dict[str, Any]]:
    """The last message of the first part of a chunk with some pending messages, and what that part holds."""
    if chunk.pending == chunk.last_seq - chunk.first_seq + 1:
        return chunk.first_seq + pending - 1, {**dict.fromkeys(_STATES, 0), "pending": pending}
    span = {"occurrence_id": chunk.occurrence_id, "first_seq": chunk.first_seq}
    fetch_value(conn, _SQL["read_in_order"])
    last = int(fetch_value(conn, _SQL["seq_of_nth_pending"], **span, last_seq=chunk.last_seq, n=pending))
    head = fetch_one(conn, _SQL["count_range"], **span, last_seq=last)
    assert head is not None
    return last, head


_STATES = ("pending", "sent", "failed", "suppressed", "unknown")


def reserve(conn: Connection, *, chunk_id: int, run_id: str, quota_day_id: int, sender_domain: str) -> None:
    """Give a cached chunk to a run, with places of a quota day for all its pending messages."""
    of_day = {"quota_day_id": quota_day_id, "sender_domain": sender_domain}
    execute(conn, _SQL["reserve_chunk"], id=chunk_id, run_id=run_id, **of_day)


def cache(conn: Connection, *, chunk_id: int, now: datetime, due_at: datetime, reason: str) -> None:
    """Have a chunk wait for quota until `due_at`; a future time that it has already stays."""
    execute(conn, _SQL["cache_chunk"], id=chunk_id, now=now, due_at=due_at, **explained(reason=reason))


def move_cached(conn: Connection, *, task_id: int, sender_domain: str, sooner: bool) -> None:
    """Have a task's cached messages wait for another domain's quota; `sooner`: now, not at the former domain's time."""
    moved = Explanation("sender_domain_changed").sentence
    execute(
        conn,
        _SQL["move_cached"],
        task_id=task_id,
        sender_domain=sender_domain,
        sooner=sooner,
        **explained(reason=moved),
    )


def hurry_refused(conn: Connection, *, task_id: int) -> None:
    """Make a task's messages due now that a server refused or deferred, since the mail was changed."""
    execute(conn, _SQL["hurry_refused"], task_id=task_id, **explained(reason=Explanation("task_was_changed").sentence))


def reserved_of_run(conn: Connection, *, run_id: str, task_id: int) -> list[ReservedChunk]:
    """The chunks of a task that a run holds, in the order of sending."""
    return fetch_rows(conn, ReservedChunk, _SQL["reserved_of_run"], run_id=run_id, task_id=task_id)


def stale_reserved(conn: Connection, *, timeout: timedelta) -> list[ReservedChunk]:
    """The reserved chunks of runs without a heartbeat for longer than `timeout`."""
    return fetch_rows(conn, ReservedChunk, _SQL["stale_reserved"], timeout=timeout)


def lock(conn: Connection, *, chunk_id: int) -> LockedChunk | None:
    """Lock the row of a chunk."""
    return fetch_row(conn, _locked, _SQL["lock_chunk"], id=chunk_id)


def _locked(*, state: str, **columns: Any) -> LockedChunk:
    return LockedChunk(state=ChunkState(state), **columns)


def lock_reserved(conn: Connection, *, chunk_id: int) -> LockedChunk | None:
    """Lock the row of the quota day, then the row of a chunk; None unless a run holds the chunk."""
    found = reservation_of(conn, chunk_id=chunk_id)
    if found is None or found.state is not ChunkState.RESERVED:
        return None
    execute(conn, _SQL["lock_day_of_chunk"], id=found.quota_day_id)
    chunk = lock(conn, chunk_id=chunk_id)
    return chunk if chunk is not None and chunk.state is ChunkState.RESERVED else None


def reservation_of(conn: Connection, *, chunk_id: int) -> ChunkReservation | None:
    """The reservation of a chunk, read without a lock."""
    return fetch_row(conn, _reservation, _SQL["reservation_of"], id=chunk_id)


def _reservation(*, state: str, **columns: Any) -> ChunkReservation:
    return ChunkReservation(state=ChunkState(state), **columns)


def release(conn: Connection, chunk: LockedChunk, *, due_at: datetime, reason: str, setback: bool) -> None:
    """End a chunk's reservation: used places stay used, pending messages are cached until `due_at`."""
    returned = {"reserved": chunk.reserved, "used": max(0, chunk.used)}
    execute(conn, _SQL["give_back_quota"], id=chunk.quota_day_id, **returned)
    execute(conn, _SQL["release_chunk"], id=chunk.id, due_at=due_at, setback=setback, **explained(reason=reason))


def note_reason(conn: Connection, *, chunk_id: int, reason: str) -> None:
    """Store the result of the last attempt at a chunk."""
    execute(conn, _SQL["note_reason"], id=chunk_id, **explained(reason=reason))


def cached_summary(conn: Connection, *, task_id: int) -> CachedSummary:
    """The cached messages of a task."""
    found = fetch_row(conn, CachedSummary, _SQL["cached_summary"], task_id=task_id)
    assert found is not None
    return found


def overdue_tasks(conn: Connection, *, timeout: timedelta) -> list[str]:
    """The names of tasks whose cached messages have been due for longer than `timeout`, the longest first."""
    return fetch_values(conn, _SQL["overdue_tasks"], timeout=timeout)


def lock_with_outcome(conn: Connection, *, task_id: int, state: MessageState) -> list[ChunkWithOutcome]:
    """Lock the chunks of a task that have failed, or unknown, messages."""
    return fetch_rows(conn, _with_outcome, _SQL["lock_with_outcome"], task_id=task_id, state=state.value)


def _with_outcome(*, id: int, state: str) -> ChunkWithOutcome:
    return ChunkWithOutcome(id=id, state=ChunkState(state))


def requeue(conn: Connection, *, chunk_id: int, state: MessageState, reason: str, codes: Collection[int] | None) -> int:
    """Requeue a chunk's failed or unknown messages, of some codes or of all; returns their number."""
    chosen = {"state": state.value, "codes": None if codes is None else sorted(codes)}
    return fetch_value(conn, _SQL["requeue_failed"], chunk_id=chunk_id, **chosen, **explained(reason=reason)) or 0


def assume_sent(conn: Connection, *, chunk_id: int) -> int:
    """Count a chunk's unknown messages as sent; returns their number."""
    return fetch_value(conn, _SQL["assume_sent"], chunk_id=chunk_id) or 0


def release_cached_now(conn: Connection, *, task_id: int, quota_left: bool) -> None:
    """Make a task's cached messages due now: deferred ones, and all of them where the day has quota."""
    execute(conn, _SQL["release_cached_now"], task_id=task_id, quota_left=quota_left)


def being_sent(conn: Connection, *, task_id: int) -> bool:
    """Whether a run holds messages of a task."""
    return bool(fetch_value(conn, _SQL["being_sent"], task_id=task_id))
