"""Readers of PostgreSQL's moments and intervals that never fail.

A timestamptz goes from 4713 BC to the year 294276 and has `infinity`; an interval can last 178 million years. psycopg2
raises an error for values that do not fit, and then one row, written by hand or by another program, breaks every list
that has the row. Here such a value becomes the first or the last one of Python, which no schedule takes for a time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg2.extensions import INTERVAL, PYDATETIMETZ, new_type, register_type

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
#: The oids of PostgreSQL's types (pg_type.oid).
_TIMESTAMPTZ, _INTERVAL = 1184, 1186


def read_totally(conn: Connection) -> None:
    """Make a connection read every moment and interval that PostgreSQL can store."""
    register_type(_MOMENT, conn)
    register_type(_SPAN, conn)


def _moment(text: Any, cursor: Any) -> datetime | None:
    if text is None:
        return None
    if "infinity" in text or "BC" in text:
        return FIRST if text.startswith("-") or "BC" in text else LAST
    try:
        found: datetime = PYDATETIMETZ(text, cursor)
    except (ValueError, OverflowError):
        return LAST
    return found


def _span(text: Any, cursor: Any) -> timedelta | None:
    try:
        found: timedelta | None = INTERVAL(text, cursor)
    except (ValueError, OverflowError):
        return timedelta.min if text and text.startswith("-") else timedelta.max
    return found


_MOMENT = new_type((_TIMESTAMPTZ,), "SES_TIMESTAMPTZ", _moment)
_SPAN = new_type((_INTERVAL,), "SES_INTERVAL", _span)
