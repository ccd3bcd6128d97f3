"""Single messages that leave later (`send_at`), and what of single messages is kept for some days only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from ses_ops.storage.named_sql import execute, fetch_row, fetch_rows, fetch_value, fetch_values, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.errors import Explanation

_SQL = statements(__file__)

#: How long the making and dropping of tables waits for a lock (PostgreSQL's lock_timeout).
_PATIENCE = "1s"


class DueMessage(NamedTuple):
    """A message whose time has come."""

    id: str
    key_id: str
    source: str
    #: SingleMessage.stored; None: not kept any more.
    content: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduledMessage:
    """A message whose row is locked."""

    sender_domain: str
    #: None: it left at once.
    send_at: datetime | None
    #: Whether its time is still to come, or nobody has taken it yet.
    waits: bool
    cancelled: bool


def claim(conn: Connection, *, limit: int, seconds: float) -> list[DueMessage]:
    """Messages whose time has come, the longest due first; nobody else claims them for some `seconds`."""
    return fetch_rows(conn, _due, _SQL["claim"], limit=limit, seconds=seconds)


def _due(*, id: str, key_id: str, source: str, content: memoryview | None) -> DueMessage:
    return DueMessage(id, key_id, source, None if content is None else bytes(content))


def lock_due(conn: Connection, ids: Sequence[str]) -> frozenset[str]:
    """Those of some messages that still wait for their time, or for being sent; locked."""
    return frozenset(fetch_values(conn, _SQL["lock_due"], ids=list(ids)))


def refuse(conn: Connection, message_id: str, why: Explanation) -> bool:
    """Write why a message was never sent when its time came; False when it does not wait any more."""
    return execute(conn, _SQL["refuse"], id=message_id, why=json.dumps({"code": why.code, "facts": why.stored})) > 0


def lock(conn: Connection, message_id: str) -> ScheduledMessage | None:
    """Lock the row of a message."""
    return fetch_row(conn, ScheduledMessage, _SQL["lock"], id=message_id)


def cancel(conn: Connection, message_id: str) -> None:
    """Write that a message is never sent. The caller holds its row."""
    execute(conn, _SQL["cancel"], id=message_id)


def keep_days(conn: Connection, *, content_days: int, idempotency_days: int) -> int:
    """Make the partitions of today and tomorrow (UTC), and drop those of days before the kept ones.

    Returns the number of tables made and dropped. Both tables are locked for that, and all that is to be accepted
    stands behind the lock. So it raises DatabaseUnavailable after a moment where somebody reads them, as a backup does
    for an hour: tomorrow's table is made a day ahead, and the next try is soon.
    """
    fetch_value(conn, _SQL["wait_a_moment"], timeout=_PATIENCE)
    return int(fetch_value(conn, _SQL["keep_days"], content_days=content_days, idempotency_days=idempotency_days))


def forget_addresses(conn: Connection) -> int:
    """Forget the limits of addresses that got nothing for an hour; returns their number."""
    return execute(conn, _SQL["forget_addresses"])
