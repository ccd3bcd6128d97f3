"""Erasure of a person who asks to be forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.storage.audience import erasure
from ses_ops.storage.connection import transaction
from ses_ops.storage.suppression.hashed_suppression import erased_address

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.domain.address import Address
    from ses_ops.storage.audience.erasure import Erasure


def erase(conn: Connection, actor: Actor, address: Address) -> Erasure:
    """Forget the person of an address. Safe to repeat. Raises GroupBusy while an import runs.

    The audit log has a hash in place of the address.
    """
    person = erased_address(conn, address.key)
    with actor.recorded("erase_person", person=person) as facts, transaction(conn):
        done = erasure.erase(conn, address, by=actor.name)
        facts |= {"groups": list(done.groups), "messages": done.messages, "being_sent": done.being_sent}
        return done
