"""What of single messages is kept for some days only: their content, and the keys of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops import api_settings
from ses_ops.storage.connection import transaction
from ses_ops.storage.single_messages import scheduled

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection


def keep(conn: Connection) -> int:
    """Make the tables of today and tomorrow, drop those of days that are over, and forget the limits of an hour ago.

    Returns the number of tables made and dropped. Raises InvalidInput for a setting.
    """
    content_days = api_settings.api_content_days()
    idempotency_days = -(-api_settings.api_idempotency_hours() // 24)
    with transaction(conn):
        changed = scheduled.keep_days(conn, content_days=content_days, idempotency_days=idempotency_days)
    with transaction(conn):
        scheduled.forget_addresses(conn)
    return changed
