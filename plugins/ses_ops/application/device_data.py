"""The end of what identifies the devices of people who opened and clicked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ses_ops.storage.connection import database_now, transaction
from ses_ops.storage.engagement import partitions

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

#: Events of one transaction, and transactions of one call; the next call does the rest.
_AT_ONCE, _MOST = 10_000, 50


def empty_old_devices(conn: Connection, *, days: int) -> int:
    """Empty addresses and user agents of events that came more than `days` days ago; returns their number.

    The verdicts stay, and do not change any more. Safe to repeat. Raises DatabaseUnavailable, StatementFailed.
    """
    done = 0
    for _ in range(_MOST):
        with transaction(conn):
            before = database_now(conn) - timedelta(days=days)
            emptied = partitions.empty_devices(conn, before=before, limit=_AT_ONCE)
        done += emptied
        if emptied < _AT_ONCE:
            break
    return done
