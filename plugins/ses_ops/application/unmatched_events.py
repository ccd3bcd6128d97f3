"""Use cases of unmatched events: a person is done with some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.application.changed import Counted
from ses_ops.storage.connection import transaction
from ses_ops.storage.events import unmatched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor


def close(conn: Connection, actor: Actor, event_ids: Sequence[int]) -> Counted:
    """Note that a person is done with unmatched events, which stay stored; safe to repeat."""
    with actor.recorded("close_unmatched_events", events=list(event_ids)) as facts, transaction(conn):
        count = facts["changed"] = unmatched.close(conn, event_ids, by=actor.name)
    return Counted(changed=count > 0, count=count)
