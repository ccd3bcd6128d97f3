"""The months of events, and of opens and clicks: made ahead and on demand, and dropped when they are too old.

An event whose month has no partition goes to the default one, so nothing ever waits for a month to be made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from ses_ops.errors import DatabaseUnavailable
from ses_ops.storage.connection import StatementFailed, database_now, transaction
from ses_ops.storage.engagement import partitions as engagement_partitions
from ses_ops.storage.events import partitions as event_partitions
from ses_ops.storage.events import unmatched

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from psycopg2.extensions import connection as Connection

#: Months back for which a month is made when an event comes; older events are odd and lie in the default partition.
MADE_BACK = 13
#: Months that this process has looked for, by database and table: made or not, they are not looked for again.
_known: set[tuple[str, str, int, str, date]] = set()


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptMonths:
    """What `keep_months` did."""

    made: int
    dropped: int
    #: Number of unmatched events that were deleted.
    forgotten: int = 0


def keep_months(conn: Connection, *, kept: int) -> KeptMonths:
    """Make this month and the next, and drop those more than `kept` months before this one. Raises StatementFailed.

    Unmatched events, which hold whole mails of people, are kept as long.
    """
    made = dropped = 0
    with transaction(conn):
        today = database_now(conn).date()
    for table in (event_partitions, engagement_partitions):
        with transaction(conn):
            missing = [month for month in (_month(today, 0), _month(today, 1)) if not table.is_there(conn, month)]
        for month in missing:
            with transaction(conn):
                made += table.make(conn, month)
        with transaction(conn):
            dropped += table.drop_before(conn, _month(today, -kept))
    with transaction(conn):
        forgotten = unmatched.forget(conn, _month(today, -kept))
    return KeptMonths(made=made, dropped=dropped, forgotten=forgotten)


def make_months_of(conn: Connection, moments: Iterable[datetime]) -> None:
    """Make the months of events that come, once a process and month; a month that cannot be made now is left out."""
    _make(conn, event_partitions, moments)


def make_months_of_engagement(conn: Connection, moments: Iterable[datetime]) -> None:
    """As `make_months_of`, of opens and clicks."""
    _make(conn, engagement_partitions, moments)


def _make(conn: Connection, table: ModuleType, moments: Iterable[datetime]) -> None:
    now = datetime.now(UTC).date()
    first, last = _month(now, -MADE_BACK), _month(now, 1)
    of_table = conn.info.dbname, conn.info.host, conn.info.port, table.TABLE
    for month in sorted({moment.astimezone(UTC).date().replace(day=1) for moment in moments}):
        if not first <= month <= last or (*of_table, month) in _known:
            continue
        _known.add((*of_table, month))
        try:
            with transaction(conn):
                if not table.is_there(conn, month):
                    table.make(conn, month)
        except (StatementFailed, DatabaseUnavailable):
            if conn.closed:
                raise


def _month(day: date, later: int) -> date:
    """The first day of the month so many months later."""
    number = day.year * 12 + day.month - 1 + later
    return date(max(1, number // 12), number % 12 + 1, 1)
