"""The place of this ledger, and whether it is there: a restored backup or a copy is not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ses_ops.storage.named_sql import execute, fetch_row, fetch_value, statements

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """The place that was claimed, as seen from the server that is asked."""

    #: Whether it is this one: this server, this database, and the tables that were there.
    here: bool
    #: The newest moment at which the ledger was known to be in use there.
    seen_at: datetime
    claimed_at: datetime
    #: Whether the server says who it is. Else only another database, or tables that were made anew, are noticed.
    identity_known: bool
    #: Whether the server was promoted, or recovered to a point in time, since the place was claimed.
    timeline_changed: bool


def look(conn: Connection) -> Home | None:
    """The place of this ledger; None while nobody has claimed one, because nothing was sent yet."""
    return fetch_row(conn, Home, _SQL["look"])


def claim(conn: Connection) -> None:
    """Claim this place, unless one is claimed."""
    execute(conn, _SQL["claim"])


def move(conn: Connection) -> None:
    """Have this place be the ledger's, whichever was before."""
    execute(conn, _SQL["move"])


def lock(conn: Connection) -> None:
    """Let one transaction at a time move the ledger."""
    fetch_value(conn, _SQL["lock"])


def note_seen(conn: Connection) -> None:
    """Note that the ledger is in use now."""
    execute(conn, _SQL["seen"])
