"""Messages that repeat another one, and whether anybody is there to send them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_value, statements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


def hold(conn: Connection, message_id: UUID) -> None:
    """Hold a message to the end of the transaction, so that nobody else repeats it meanwhile."""
    execute(conn, _SQL["hold"], id=str(message_id))


def repetition_waits(conn: Connection, message_id: UUID) -> bool:
    """Whether a message that repeats this one has not been taken by a copy of the API yet."""
    return bool(fetch_value(conn, _SQL["repetition_waits"], id=str(message_id)))


def insert_waiting(
    conn: Connection, message_id: UUID, *, of: UUID, address_keys: Sequence[str], content: bytes
) -> None:
    """Write a message that repeats another and leaves as soon as a copy of the API takes it."""
    execute(conn, _SQL["waits"], id=str(message_id), of=str(of), address_keys=list(address_keys))
    execute(conn, _SQL["says"], id=str(message_id), content=content)


def copies_alive(conn: Connection) -> int:
    """Number of copies of the API that run."""
    return int(fetch_value(conn, _SQL["copies_alive"]))
