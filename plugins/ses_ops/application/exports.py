"""Exports of addresses, each recorded in the audit log.

An export changes nothing, but it discloses many people's addresses at once. It is recorded before the first byte
leaves, so a missing group, task or report is an error and not a broken file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ses_ops.storage.audience import recipients

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.storage.audience.recipients import RecipientGroup

T = TypeVar("T")


def export_group(conn: Connection, actor: Actor, name: str) -> RecipientGroup:
    """The group whose recipients are exported. Raises NotFound."""
    with actor.recorded("export_group", group=name) as facts:
        group = recipients.find_group(conn, name)
        facts["recipients"] = group.recipient_count
        return group


def export_messages(actor: Actor, name: str, find: Callable[[], T], **asked: Any) -> T:
    """What `find` says of the messages of a task that are exported; `asked` are the filters that a person set."""
    with actor.recorded("export_messages", task=name, **_set(asked)):
        return find()


def export_suppressions(actor: Actor, **asked: Any) -> None:
    """The suppression list is exported; `asked` are the filters that a person set."""
    with actor.recorded("export_suppression", **_set(asked)):
        pass


def export_rejected(actor: Actor, **what: Any) -> None:
    """The report of the rows that an import left out is exported."""
    with actor.recorded("export_rejected", **what):
        pass


def _set(asked: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in asked.items() if value}
