"""Attempts of processes at chunks, and the messages that dead ones left in doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.domain.mail_tracking import Tracking
from ses_ops.domain.message_state import MessageState
from ses_ops.storage.callbacks.waiting_posts import enqueue_refused
from ses_ops.storage.named_sql import execute, fetch_row, fetch_value, fetch_values, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.async_connection import AsyncConnection
    from ses_ops.storage.ledger.batches import Written

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptBegun:
    """A new attempt."""

    id: int
    #: The name of the attempt's journal.
    journal_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptPlace:
    """The process and host of an attempt."""

    host: str
    pid: int


def begin(
    conn: Connection, *, chunk_id: int, run_id: str, host: str, pid: int, edition: int | None, tracked: Tracking
) -> AttemptBegun:
    """Write a new attempt at a chunk, which is then the only one that can move the chunk's mark.

    `tracked` is what can be noticed of its mail: opens where it has a pixel, clicks where it has tracked links.
    """
    who = {"run_id": run_id, "host": host, "pid": pid, "edition": edition, **tracked._asdict()}
    made = fetch_row(conn, AttemptBegun, _SQL["begin"], chunk_id=chunk_id, **who)
    assert made is not None
    execute(conn, _SQL["take_chunk"], attempt_id=made.id, chunk_id=chunk_id)
    return made


def journal_of(conn: Connection, *, attempt_id: int) -> str:
    """The name of an attempt's journal."""
    return str(fetch_value(conn, _SQL["journal_of"], id=attempt_id))


def exists(conn: Connection, *, attempt_id: int, journal_id: str) -> bool:
    """Whether the database has an attempt: a copy that lagged behind before a failover may not have it."""
    return bool(fetch_value(conn, _SQL["exists"], id=attempt_id, journal_id=journal_id))


def last_of_chunk(conn: Connection, *, chunk_id: int) -> AttemptPlace | None:
    """The newest attempt at a chunk."""
    return fetch_row(conn, AttemptPlace, _SQL["last_attempt"], chunk_id=chunk_id)


def end(conn: Connection, *, attempt_id: int, ending: str) -> None:
    """Write when and how an attempt ended, if that is not written yet, and its present results.

    What it was refused is posted to the endpoints of callbacks that want to know.
    """
    execute(conn, _SQL["end"], id=attempt_id, ending=ending)
    enqueue_refused(conn, attempt_id=attempt_id)


def in_doubt(conn: Connection, *, chunk_id: int, begun: Sequence[int]) -> list[int]:
    """Lock the messages that a dead attempt may have sent; `begun` are those that it began by its journal."""
    return fetch_values(conn, _SQL["in_doubt"], chunk_id=chunk_id, begun=list(begun))


def settle(
    conn: Connection, *, chunk_id: int, occurrence_id: int, attempt_id: int | None, settled: Sequence[Written]
) -> None:
    """Write the outcomes of messages in doubt, and count them in the chunk. Without a text the former text stays."""
    execute(
        conn,
        _SQL["settle_doubtful"],
        occurrence_id=occurrence_id,
        attempt_id=attempt_id,
        seqs=[entry.seq for entry in settled],
        states=[entry.state.value for entry in settled],
        codes=[entry.code for entry in settled],
        texts=[entry.text or None for entry in settled],
        tried=[entry.tried for entry in settled],
    )
    states = [entry.state for entry in settled]
    counts = {state.value: states.count(state) for state in _COUNTED}
    execute(conn, _SQL["count_settled"], chunk_id=chunk_id, **counts)


_COUNTED = (MessageState.SENT, MessageState.FAILED, MessageState.UNKNOWN)


def charge_doubt(conn: Connection, *, quota_day_id: int | None, chunk_id: int, count: int) -> None:
    """Charge a quota day for attempts that are repeated although the server may have taken the messages."""
    sql, values = _charge(quota_day_id=quota_day_id, chunk_id=chunk_id, count=count)
    fetch_value(conn, sql, **values)


async def charge_doubt_while_sending(conn: AsyncConnection, *, quota_day_id: int, chunk_id: int, count: int) -> int:
    """As `charge_doubt`, in the event loop; returns the places that the chunk was charged, because the day had none."""
    sql, values = _charge(quota_day_id=quota_day_id, chunk_id=chunk_id, count=count)
    rows = await conn.fetch(sql, values)
    return int(rows[0][0]) if rows else 0


def _charge(*, quota_day_id: int | None, chunk_id: int, count: int) -> tuple[str, dict[str, int | None]]:
    return _SQL["charge_doubt"], {"quota_day_id": quota_day_id, "chunk_id": chunk_id, "count": count}


def requeue_refused(
    conn: Connection, *, chunk_id: int, attempt_id: int, occurrence_id: int, seqs: Sequence[int]
) -> None:
    """Requeue messages of an attempt that were refused although the reason is not in them."""
    keys = {"chunk_id": chunk_id, "attempt_id": attempt_id, "occurrence_id": occurrence_id}
    execute(conn, _SQL["requeue_refused"], **keys, seqs=list(seqs))


def fence_steps(conn: Connection, *, chunk_id: int, fence: int) -> None:
    """Raise a chunk's steps by more than any attempt makes, so that no earlier statement can succeed any more."""
    execute(conn, _SQL["fence_steps"], chunk_id=chunk_id, fence=fence)
