"""Single messages that are tried again: chunks that are due, and what their messages say."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ses_ops.storage.ledger.batches import MarkedAgain
from ses_ops.storage.ledger.chunks import CachedChunk
from ses_ops.storage.named_sql import fetch_row, fetch_rows, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.async_connection import AsyncConnection

_SQL = statements(__file__)


class DueChunk(NamedTuple):
    """A chunk of single messages whose time has come."""

    id: int
    sender_domain: str
    #: Whether opens, and clicks, of its messages are noticed.
    opens: bool
    clicks: bool


class StoredRow(NamedTuple):
    """The single message of one row of the ledger."""

    seq: int
    #: The recipient's place in the message, from 0.
    place: int
    message_id: str
    #: SingleMessage.stored; None: not kept any more.
    content: bytes | None


def due(conn: Connection, *, limit: int, besides: Sequence[int] = ()) -> list[DueChunk]:
    """Chunks, but some, that wait for another try whose time has come, the longest due first."""
    return fetch_rows(conn, DueChunk, _SQL["due"], limit=limit, besides=list(besides))


def lock_due(conn: Connection, *, chunk_id: int) -> CachedChunk | None:
    """Lock the row of a chunk that is due; None when somebody else took it. The caller holds the quota day's row."""
    return fetch_row(conn, CachedChunk, _SQL["lock_due"], id=chunk_id)


async def prepare(conn: AsyncConnection) -> None:
    """Prepare the statement of `again`, once a connection."""
    await conn.fetch(_SQL["prepare_again"])


async def again(
    conn: AsyncConnection,
    *,
    chunk_id: int,
    attempt_id: int,
    occurrence_id: int,
    seqs: Sequence[int],
    marketing: Sequence[bool],
    steps: int,
) -> MarkedAgain | None:
    """Mark messages for another try. None: another attempt has the chunk, or its quota day is over."""
    flags = (chunk_id, attempt_id, occurrence_id, list(seqs), list(marketing), steps)
    rows = await conn.fetch(_SQL["again"], flags)
    return MarkedAgain(*rows[0]) if rows else None


async def content_of(conn: AsyncConnection, *, occurrence_id: int, seqs: Sequence[int]) -> list[StoredRow]:
    """What the messages of some rows say; a row that is of no message is left out."""
    rows = await conn.fetch(_SQL["content_of"], {"occurrence_id": occurrence_id, "seqs": list(seqs)})
    return [StoredRow(seq, place, id, None if content is None else bytes(content)) for seq, place, id, content in rows]
