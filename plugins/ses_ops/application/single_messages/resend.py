"""Send a single message again, as a new message.

A mail that failed, or of which nobody knows whether it came, never leaves twice by itself: somebody decides that.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ses_ops.application.changed import Changed
from ses_ops.application.single_messages.find import find
from ses_ops.domain.message_id import new_message_id
from ses_ops.domain.single_message import SingleMessage, read_stored
from ses_ops.errors import Conflict, NotFound
from ses_ops.storage.connection import transaction
from ses_ops.storage.single_messages import finding, repeating

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor


@dataclass(frozen=True, kw_only=True, slots=True)
class Resent(Changed):
    """A message that repeats another one."""

    id: UUID
    #: Number of copies of the API that run: without one it waits for the next.
    copies: int


def message_to_repeat(conn: Connection, message_id: UUID) -> SingleMessage:
    """What a message says, to be accepted anew; it leaves at once, under a Message-ID of its own.

    Raises NotFound, and Conflict for a message that may still leave by itself or of which the content is gone.
    """
    view = find(conn, message_id)
    if view is None:
        raise NotFound("message", str(message_id))
    if view.is_pending:
        raise Conflict("message_still_waits")
    content = finding.content(conn, message_id)
    if content is None:
        raise Conflict("message_content_gone")
    try:
        message = read_stored(content)
    except ValueError as problem:
        raise Conflict("message_content_gone") from problem
    return replace(message, message_id=None, send_at=None)


def resend(conn: Connection, actor: Actor, message_id: UUID) -> Resent:
    """Send a message again to all its recipients, within a second or so of now. Raises as `message_to_repeat` does.

    It is refused at that moment, with the reason on its page, as any other: over quota, or with all suppressed. Raises
    Conflict also while an earlier repetition waits, as after a second click.
    """
    with actor.recorded("resend_message", message=str(message_id)) as facts, transaction(conn):
        repeating.hold(conn, message_id)
        message = message_to_repeat(conn, message_id)
        if repeating.repetition_waits(conn, message_id):
            raise Conflict("message_is_being_resent")
        made = new_message_id(time.time_ns() // 1_000_000, os.urandom(10))
        keys = [address.key for _, address in message.recipients]
        repeating.insert_waiting(conn, made, of=message_id, address_keys=keys, content=message.stored)
        facts |= {"made": str(made), "recipients": len(keys)}
    with transaction(conn):
        copies = repeating.copies_alive(conn)
    return Resent(id=made, copies=copies)
