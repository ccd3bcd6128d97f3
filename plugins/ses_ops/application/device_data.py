"""The end of what identifies the devices of people who opened and clicked."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from ses_ops.airflow_places import airflow_setting
from ses_ops.errors import InvalidInput
from ses_ops.storage.connection import database_now, transaction
from ses_ops.storage.engagement import partitions

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

#: Events of one transaction, and transactions of one call; the next call does the rest.
_AT_ONCE, _MOST = 10_000, 50


def device_data_days() -> int:
    """Days for which addresses and user agents of opens and clicks are kept: SES_DEVICE_DATA_DAYS, or `[ses_ops]`.

    Raises InvalidInput.
    """
    name = "SES_DEVICE_DATA_DAYS"
    given = os.environ.get(name, "").strip() or airflow_setting("ses_ops", "device_data_days") or "7"
    if not (given.isascii() and given.isdecimal() and len(given) <= 3 and int(given) <= 365):
        raise InvalidInput("not_device_days", given=given, where=name)
    return int(given)


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
