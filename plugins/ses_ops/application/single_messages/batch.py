"""Many messages of one request with one idempotency key.

Each message has a key of its own (that of the batch and its place), which is what never sends it twice; the row of the
batch itself says which body the key stands for. The row is written before the messages, so that no moment exists at
which a part of another body could be accepted under the key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.errors import Conflict, NotAccepted
from ses_ops.storage.connection import transaction
from ses_ops.storage.single_messages import batches

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

#: Most messages of one request.
MOST_MESSAGES = 1_000


def item_key(key: str, place: int) -> str:
    """The key of a message of a batch. The space keeps it apart from the keys of clients, which have none."""
    return f"{key} {place}"


def claim_batch(conn: Connection, key_id: str, key: str, fingerprint: bytes, *, hours: float) -> None:
    """Have the key stand for this body. Raises Conflict where it stands for another one, NotAccepted: ask again."""
    name = _name(key)
    with transaction(conn):
        found = batches.hold(conn, key_id, name)
        if found.fingerprint is not None:
            if found.fingerprint != fingerprint:
                raise Conflict("idempotency_key_reused")
        elif not found.held:
            raise NotAccepted("idempotency_in_progress").after(1)
        else:
            batches.claim(conn, key_id, name, fingerprint, hours=hours)


def release_batch(conn: Connection, key_id: str, key: str, count: int) -> None:
    """Free the key after a batch of `count` messages of which none was accepted."""
    with transaction(conn):
        batches.release(conn, key_id, _name(key), [item_key(key, place) for place in range(count)])


def _name(key: str) -> str:
    return f"{key} batch"
