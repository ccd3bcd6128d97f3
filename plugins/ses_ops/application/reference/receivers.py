"""Recipient groups that a client of the reference makes: its name for one may be any text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.application.changed import Changed
from ses_ops.errors import Conflict
from ses_ops.storage.audience import recipients
from ses_ops.storage.connection import transaction
from ses_ops.storage.reference import receivers

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor

#: Characters of a name of ours that is made of one of theirs, which leaves room for a number.
_LONGEST = 90
_NOT_IN_NAMES = re.compile(r"[^\w.-]+|_{2,}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiverMade(Changed):
    """A new group."""

    id: int
    name: str


def create(conn: Connection, actor: Actor, title: str, *, description: str) -> ReceiverMade:
    """Make an empty group that is called `title` there. Raises Conflict when a group is called so already."""
    with actor.recorded("create_group", group=title) as recorded, transaction(conn):
        if receivers.title_taken(conn, title):
            raise Conflict("group_exists", group=title)
        name = recorded["group"] = _name(conn, title)
        recipients.create_group(conn, name, description=description)
        return ReceiverMade(id=receivers.set_title(conn, name, title=title), name=name)


def _name(conn: Connection, title: str) -> str:
    """A name of ours that no group has yet: the title without what cannot stand in one, with a number if need be."""
    begin = _NOT_IN_NAMES.sub("-", title)[:_LONGEST].strip("-._") or "receivers"
    choices = [begin, *(f"{begin}-{number}" for number in range(2, 1_000))]
    taken = receivers.names_taken(conn, choices)
    return next(one for one in choices if one not in taken)
