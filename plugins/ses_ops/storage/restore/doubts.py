"""Messages that become unknown because the ledger was restored from a backup."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ses_ops.domain.message_state import ChunkState
from ses_ops.storage.ledger.chunk_locks import CHUNK_LOCK
from ses_ops.storage.named_sql import execute, fetch_row, fetch_rows, fetch_value, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class DoubtfulChunk:
    """A chunk of which something may have left since the backup."""

    id: int
    occurrence_id: int
    first_seq: int
    last_seq: int
    #: Number of messages without an outcome.
    pending: int
    state: ChunkState
    #: The attempt that had it when the backup was taken.
    attempt_id: int | None
    run_id: str | None
    quota_day_id: int | None
    sender_domain: str
    #: The name of its send task, and its type: `api` for single messages.
    task: str
    kind: str
    #: Whether a living process sends it.
    is_held: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DoubtfulScheduledMessage:
    """A single message of a later time that may have left since the backup. It has no rows yet."""

    id: str
    sender_domain: str
    address_keys: list[str]
    #: `SingleMessage.stored`; None: not kept any more.
    content: memoryview | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduledCount:
    """Recipients of a sender domain's single messages of a later time."""

    domain: str
    #: Whose time came before the system of the backup stopped, and whose came or comes after it.
    due: int
    later: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeChunk:
    """A chunk that was made for messages without rows."""

    id: int
    occurrence_id: int


def chunks(conn: Connection) -> list[DoubtfulChunk]:
    """The chunks of which something may have left."""
    return fetch_rows(conn, _doubtful, _SQL["chunks"], lock=CHUNK_LOCK)


def _doubtful(*, state: str, **columns: Any) -> DoubtfulChunk:
    return DoubtfulChunk(state=ChunkState(state), **columns)


def begin_attempt(conn: Connection, *, chunk_id: int, run_id: str, at: datetime) -> int:
    """Write the attempt that stands for all that the lost system may have tried; returns its number."""
    place = {"host": socket.gethostname(), "pid": os.getpid()}
    return int(fetch_value(conn, _SQL["begin_attempt"], chunk_id=chunk_id, run_id=run_id, at=at, **place))


def doubt(conn: Connection, *, occurrence_id: int, first_seq: int, last_seq: int, attempt_id: int, reason: str) -> int:
    """Make the messages of a range unknown that have no outcome; returns their number."""
    span = {"occurrence_id": occurrence_id, "first_seq": first_seq, "last_seq": last_seq}
    return execute(conn, _SQL["doubt"], attempt_id=attempt_id, reason=reason, **span)


def count(conn: Connection, *, chunk_id: int, messages: int) -> None:
    """Count messages of a chunk as unknown that were pending."""
    execute(conn, _SQL["count"], id=chunk_id, count=messages)


def settle(conn: Connection, *, chunk_id: int) -> None:
    """Settle a cached chunk without pending messages."""
    execute(conn, _SQL["settle"], id=chunk_id)


def charge_day(conn: Connection, *, quota_day_id: int, messages: int) -> None:
    """Count messages as used by a quota day, whose row the caller holds."""
    execute(conn, _SQL["charge_day"], id=quota_day_id, count=messages)


def scheduled(conn: Connection, *, until: datetime) -> list[DoubtfulScheduledMessage]:
    """Lock the single messages whose own time came by then, by sender domain."""
    return fetch_rows(conn, DoubtfulScheduledMessage, _SQL["scheduled"], until=until)


def count_scheduled(conn: Connection, *, until: datetime) -> list[ScheduledCount]:
    """Number of recipients of the single messages of a later time, by sender domain."""
    return fetch_rows(conn, ScheduledCount, _SQL["count_scheduled"], until=until)


def make_chunk(conn: Connection, *, task_id: int, domain: str, run_id: str, messages: int) -> MadeChunk:
    """Make an occurrence that is over, with a settled chunk of as many unknown messages."""
    keys = {"task_id": task_id, "domain": domain, "run_id": run_id}
    made = fetch_row(conn, MadeChunk, _SQL["make_chunk"], count=messages, **keys)
    assert made is not None
    return made


def insert_messages(
    conn: Connection, *, occurrence_id: int, attempt_id: int, reason: str, recipients: Sequence[tuple[str, str]]
) -> None:
    """Write unknown messages to `recipients` (address and key) as the rows 1 and on of an occurrence."""
    addresses, keys = [one[0] for one in recipients], [one[1] for one in recipients]
    values = {"occurrence_id": occurrence_id, "attempt_id": attempt_id, "reason": reason}
    execute(conn, _SQL["insert_messages"], addresses=addresses, keys=keys, **values)


def give_rows(conn: Connection, *, occurrence_id: int, first_rows: Sequence[tuple[str, int]]) -> None:
    """Write where the rows of single messages begin: id and place of each."""
    ids, seqs = [one[0] for one in first_rows], [one[1] for one in first_rows]
    execute(conn, _SQL["give_rows"], occurrence_id=occurrence_id, ids=ids, first_seqs=seqs)


def assume_taken(conn: Connection, *, chunk_id: int, keys: Sequence[str], seqs: Sequence[int]) -> int:
    """Count unknown messages of a chunk as sent, by address key or number; returns their number."""
    return fetch_value(conn, _SQL["assume_taken"], chunk_id=chunk_id, keys=list(keys), seqs=list(seqs)) or 0


def occurrence_of(conn: Connection, *, chunk_id: int) -> int:
    """The occurrence of a chunk."""
    return int(fetch_value(conn, _SQL["occurrence_of"], id=chunk_id))


def begin_assuming(conn: Connection, attempt_ids: Sequence[int]) -> None:
    """Before a person's word about some messages of attempts; `end_assuming` follows when they are counted anew."""
    execute(conn, _SQL["begin_assuming"], attempt_ids=list(attempt_ids))


def end_assuming(conn: Connection, attempt_ids: Sequence[int]) -> None:
    """Note how much of what attempts had accepted is a person's word."""
    execute(conn, _SQL["end_assuming"], attempt_ids=list(attempt_ids))
