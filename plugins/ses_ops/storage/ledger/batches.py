"""Batches of a chunk that is being sent: outcomes written, next messages marked.

These functions are the hot path. They run inside the event loop that sends the mail, each a transaction of its own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from ses_ops.storage.named_sql import statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ses_ops.domain.message_state import MessageState
    from ses_ops.storage.async_connection import AsyncConnection

_SQL = statements(__file__)


class Marked(NamedTuple):
    """A message that may be sent now: its mark is committed. (A tuple: a dataclass takes twice the time.)"""

    seq: int
    address: str
    values: dict[str, str]
    tries: int
    #: The message had failed and a person asked for a retry: another refusal says nothing new of the server.
    retried: bool = False


class Written(NamedTuple):
    """An outcome to be written. `tried` is 1 when the server was asked, else 0."""

    seq: int
    state: MessageState
    code: int | None
    text: str
    tried: int


class Batch(NamedTuple):
    """The result of one step. Counts are messages whose outcome was written."""

    #: The last message of the chunk that is marked.
    through: int
    written: int
    sent: int
    failed: int
    suppressed: int
    unknown: int
    #: Why sending must stop now: paused, cancelled, or the quota day is over.
    stop_reason: str | None
    marked: list[Marked]


class MarkedAgain(NamedTuple):
    """The result of marking messages for a retry."""

    #: Number of messages whose address entered the suppression list meanwhile.
    suppressed: int
    seqs: list[int]


async def prepare(conn: AsyncConnection) -> None:
    """Prepare the statements of `step` and `mark_again`, once a connection."""
    await conn.fetch(_SQL["prepare_step"])
    await conn.fetch(_SQL["prepare_again"])


async def step(
    conn: AsyncConnection,
    outcomes: Sequence[Written],
    *,
    chunk_id: int,
    attempt_id: int,
    occurrence_id: int,
    first_seq: int,
    last_seq: int,
    limit: int,
    steps: int,
    edition: int | None,
) -> Batch | None:
    """Write outcomes, and mark up to `limit` messages from `first_seq` on. None: another attempt has the chunk."""
    seqs, states, codes, texts, tried = zip(*outcomes, strict=True) if outcomes else ((),) * 5
    keys = (chunk_id, attempt_id, occurrence_id, first_seq, last_seq, limit)
    # The arrays are written as PostgreSQL's literals, because the driver's conversion costs as much as the statement.
    numbers = _array(codes).replace("None", "NULL")
    arrays = (_array(seqs), _array(states), numbers, _text_array(texts), _array(tried))
    rows = await conn.fetch(_SQL["step"], (*keys, *arrays, steps, edition))
    if not rows:
        return None
    through, written, sent, failed, suppressed, unknown, stop_reason, batch = rows[0]
    marked = [Marked(*row) for row in json.loads(batch)] if batch else []
    return Batch(through, written, sent, failed, suppressed, unknown, stop_reason, marked)


async def mark_again(
    conn: AsyncConnection,
    seqs: Iterable[int],
    *,
    chunk_id: int,
    attempt_id: int,
    occurrence_id: int,
    steps: int,
    edition: int | None,
) -> MarkedAgain | None:
    """Mark messages for a retry. None: another attempt has the chunk, or its task is stopped."""
    rows = await conn.fetch(_SQL["again"], (chunk_id, attempt_id, occurrence_id, _array(seqs), steps, edition))
    return MarkedAgain(*rows[0]) if rows else None


async def requeued(
    conn: AsyncConnection, *, occurrence_id: int, first_seq: int, last_seq: int, give_up_after: float
) -> tuple[list[Marked], frozenset[int]]:
    """The messages that earlier attempts left to be retried, not marked yet.

    Then the numbers of those that a server first deferred more than `give_up_after` seconds ago.
    """
    span = {"occurrence_id": occurrence_id, "first_seq": first_seq, "last_seq": last_seq}
    rows = await conn.fetch(_SQL["requeued"], {**span, "give_up_after": give_up_after})
    return [Marked(*row[:-1]) for row in rows], frozenset(row[0] for row in rows if row[-1])


async def note_deferred(conn: AsyncConnection, *, occurrence_id: int, seqs: Sequence[int]) -> None:
    """Store when a server first deferred messages; an earlier moment stays."""
    await conn.fetch(_SQL["note_deferred"], {"occurrence_id": occurrence_id, "seqs": list(seqs)})


async def suppress(conn: AsyncConnection, bounced: Mapping[int, str], *, task_id: int, occurrence_id: int) -> None:
    """Put the addresses of messages on the suppression list; `bounced` has the server's replies by message number."""
    words = {"seqs": list(bounced), "words": list(bounced.values())}
    await conn.fetch(_SQL["suppress"], {**words, "task_id": task_id, "occurrence_id": occurrence_id})


class Heartbeat(NamedTuple):
    """What an attempt hears at its heartbeat."""

    #: Number of living attempts that send bulk mail, this one included.
    senders: int
    #: Seconds left of the chunk's quota day.
    seconds_left: float
    #: Single messages that are begun a second, in all processes.
    single_rate: float
    #: Whether a process of single messages finds no connection to the mail server.
    room_wanted: bool


async def heartbeat(conn: AsyncConnection, *, attempt_id: int, chunk_id: int) -> Heartbeat:
    """Report that an attempt lives."""
    (row,) = await conn.fetch(_SQL["heartbeat"], {"id": attempt_id, "chunk_id": chunk_id})
    return Heartbeat(int(row[0]), float(row[1]), float(row[2]), bool(row[3]))


async def mark_of_chunk(conn: AsyncConnection, *, chunk_id: int) -> int:
    """The last message of a chunk that is marked."""
    ((through,),) = await conn.fetch(_SQL["mark_of_chunk"], {"id": chunk_id})
    return int(through)


async def marked_between(conn: AsyncConnection, *, occurrence_id: int, first_seq: int, last_seq: int) -> list[Marked]:
    """The messages that a step marked before its answer was lost."""
    span = {"occurrence_id": occurrence_id, "first_seq": first_seq, "last_seq": last_seq}
    return [Marked(*row) for row in await conn.fetch(_SQL["marked_between"], span)]


async def sending_of(conn: AsyncConnection, *, occurrence_id: int, seqs: Sequence[int]) -> list[int]:
    """The numbers of those of some messages that are marked for a retry."""
    rows = await conn.fetch(_SQL["sending_of"], {"occurrence_id": occurrence_id, "seqs": list(seqs)})
    return [row[0] for row in rows]


def _array(values: Iterable[Any]) -> str:
    """The literal of an array of values without quotes, commas and braces."""
    return "{" + ",".join(map(str, values)) + "}"


def _text_array(texts: Sequence[str]) -> str | list[str]:
    """The literal of an array of texts; the list itself, for the driver to quote, where a text needs escapes."""
    quoted = '","'.join(texts)
    if "\\" in quoted or quoted.count('"') != 2 * max(0, len(texts) - 1):
        return list(texts)
    return f'{{"{quoted}"}}' if texts else "{}"
