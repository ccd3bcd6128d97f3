"""Requests that were accepted once and could not be any more: their equal ones get the first answer all the same.

Between the two the `send_at` of a message passes, its template goes, what it repeats is no longer kept. A client that
gets such a refusal takes its message for refused, and asks for it again under another key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.application.single_messages.orders import Replayed
from ses_ops.storage.single_messages import accepting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.single_messages.orders import Idempotency


def find_replays(conn: Connection, key_id: str, requests: Sequence[Idempotency]) -> dict[str, Replayed]:
    """The first answers to equal requests of an API key, by the key of the request."""
    found = accepting.answered(conn, key_id, [one.key for one in requests])
    replays = {}
    for one in requests:
        held = found.get(one.key)
        if held is not None and held.fingerprint == one.fingerprint and held.status and held.answer is not None:
            replays[one.key] = Replayed(held.status, held.answer)
    return replays
