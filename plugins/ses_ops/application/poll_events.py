"""Events for programs that poll: the next ones after a position, each once, none left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.storage.events import polling

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.events.polling import ArrivedEvent

#: Events that one poll looks at, whatever it filters by: the cost of a poll is bounded.
WINDOW = 2_000


def next_events(
    conn: Connection,
    after: tuple[datetime, str] = polling.BEGINNING,
    *,
    limit: int,
    kinds: Collection[str] | None = None,
    domains: Collection[str] | None = None,
    window: int = WINDOW,
) -> tuple[list[ArrivedEvent], tuple[datetime, str], bool]:
    """The next events after a position, the position behind them, and whether there are more.

    Only of some kinds and sender domains; None: of all. A page that the filters left short, or empty, still moves the
    position on, so that a filter that nothing passes never makes a poll read everything again.
    """
    until = polling.settled_until(conn)
    looked_at = polling.arrived(conn, after=after, until=until, window=window)
    found: list[ArrivedEvent] = []
    for one in looked_at:
        if len(found) == limit:
            return found, after, True
        after = one.position
        if (kinds is None or one.kind in kinds) and (domains is None or one.sender_domain in domains):
            found.append(one)
    return found, after, len(looked_at) == window
