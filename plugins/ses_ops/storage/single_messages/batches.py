"""Requests for many messages with one idempotency key: which body the key stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ses_ops.storage.named_sql import execute, fetch_one, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


class HeldBatch(NamedTuple):
    """Whether this transaction holds the key, and the body it stands for; None: it is free."""

    held: bool
    fingerprint: bytes | None


def hold(conn: Connection, key_id: str, key: str) -> HeldBatch:
    """Hold a key to the end of the transaction, unless another one does."""
    row = fetch_one(conn, _SQL["hold"], key_id=key_id, key=key)
    assert row is not None
    return HeldBatch(row["held"], None if row["fingerprint"] is None else bytes(row["fingerprint"]))


def claim(conn: Connection, key_id: str, key: str, fingerprint: bytes, *, hours: float) -> None:
    """Have a held key stand for a body."""
    execute(conn, _SQL["claim"], key_id=key_id, key=key, fingerprint=fingerprint, hours=hours)


def release(conn: Connection, key_id: str, key: str, items: Sequence[str]) -> None:
    """Free the key of a batch, unless one of its messages, which have the keys `items`, was accepted."""
    execute(conn, _SQL["release"], key_id=key_id, key=key, items=list(items))
