"""The cancel of a single message whose `send_at` is still to come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.application.changed import Changed
from ses_ops.errors import Conflict, NotFound
from ses_ops.storage.connection import transaction
from ses_ops.storage.single_messages import scheduled

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor


def cancel_message(conn: Connection, actor: Actor, message_id: UUID) -> Changed:
    """Never send a message, if it is not cancelled already. The caller has looked whether the actor may.

    Raises NotFound, and Conflict for one that has left, or was refused when its time came.
    """
    with actor.recorded("cancel_message", message=str(message_id)), transaction(conn):
        found = scheduled.lock(conn, str(message_id))
        if found is None:
            raise NotFound("message", str(message_id))
        if found.cancelled:
            return Changed(changed=False)
        if not found.waits:
            raise Conflict("single_message_has_left")
        scheduled.cancel(conn, str(message_id))
        return Changed()
