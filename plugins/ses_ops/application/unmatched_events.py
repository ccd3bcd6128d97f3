"""Use cases of unmatched events: a person is done with some, or has it read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.application.changed import Counted
from ses_ops.application.record_events import Recorded, record_events
from ses_ops.storage.connection import transaction
from ses_ops.storage.events import unmatched

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.domain.message_event import MessageEvent


def close(conn: Connection, actor: Actor, event_ids: Sequence[int]) -> Counted:
    """Note that a person is done with unmatched events, which stay stored; safe to repeat."""
    with actor.recorded("close_unmatched_events", events=list(event_ids)) as facts, transaction(conn):
        count = facts["changed"] = unmatched.close(conn, event_ids, by=actor.name)
    return Counted(changed=count > 0, count=count)


def read_again(
    conn: Connection, actor: Actor, event_id: int, read: Callable[[str, bytes], Sequence[MessageEvent]]
) -> Recorded:
    """Have an unmatched event read again by `read(source, raw)`; it is closed when it told of messages of ours.

    Raises NotFound, and what `read` raises for a text that it does not understand either.
    """
    with actor.recorded("read_unmatched_event", event=event_id) as facts:
        with transaction(conn):
            event, raw = unmatched.find(conn, event_id)
        done = record_events(conn, read(event.source, raw))
        facts |= {"new": done.new, "repeated": done.repeated}
        if done.new + done.repeated and not done.unmatched:
            with transaction(conn):
                unmatched.close(conn, [event_id], by=actor.name)
    return done
