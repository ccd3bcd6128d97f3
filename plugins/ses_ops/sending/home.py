"""The one door of all that sends or accepts mail: the ledger must be where it sent last.

A restored backup does not know what was sent after it, and would send it again. So the ledger names the place in which
it sends (storage/restore/home.sql), a dump carries that name to another place, and there nothing leaves until a person
has said how it goes on. The first process that sends claims the place.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ses_ops.errors import LedgerRestored
from ses_ops.storage.connection import transaction
from ses_ops.storage.restore import home
from ses_ops.storage.schema_version import refuse_newer

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection


def check_home(conn: Connection) -> None:
    """Raise LedgerRestored where this ledger is a restored or copied one; claim the place for one that is nowhere yet.

    Also raises NewerSchema: a worker of an older version that was left running would not send as the newer one expects.
    A transaction of its own: the caller holds none. It takes some tenths of a millisecond.
    """
    with transaction(conn):
        refuse_newer(conn)
        found = home.look(conn)
        if found is None:
            home.claim(conn)
        elif not found.here:
            raise restored(found)


def restored(found: home.Home) -> LedgerRestored:
    """The error for a ledger that is not where it sent last."""
    return LedgerRestored("ledger_restored", seen=f"{found.seen_at:%Y-%m-%d %H:%M} UTC")


class HomeCheck:
    """`check_home` for a process that accepts hundreds of messages a second: asks again after a moment."""

    #: Seconds for which an answer holds.
    SECONDS = 1.0

    def __init__(self) -> None:
        self._until = 0.0

    def check(self, conn: Connection) -> None:
        """Raise LedgerRestored unless the ledger was at home a moment ago."""
        if time.monotonic() < self._until:
            return
        check_home(conn)
        self._until = time.monotonic() + self.SECONDS

    def forget(self) -> None:
        """Ask at the next check: the connection is a new one."""
        self._until = 0.0
