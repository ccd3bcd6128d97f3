"""Use case: a person is done with events that found no message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.application.changed import Counted
from ses_ops.storage.connection import transaction
from ses_ops.storage.events import feedback_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor


def close_unmatched(conn: Connection, actor: Actor, ids: Sequence[int]) -> Counted:
    """Take events off the list of those that wait for a person; they stay stored, with who did it."""
    with actor.recorded("close_unmatched_events", events=list(ids)) as facts, transaction(conn):
        count = facts["changed"] = feedback_page.close(conn, ids, by=actor.name)
    return Counted(changed=count > 0, count=count)
