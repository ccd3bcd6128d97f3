"""Use cases of recipient groups: create, describe, import, cancel an import, delete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_ops.application.changed import Changed
from ses_ops.application.group_import import import_group
from ses_ops.storage.audience import imports, recipients
from ses_ops.storage.connection import transaction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.audience.import_outcome import ImportOutcome
    from ses_ops.storage.audience.imports import ImportRecord
    from ses_ops.storage.audience.recipients import RecipientGroup


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupDeleted(Changed):
    """The result of a deletion: the group as it was before."""

    group: RecipientGroup


def create(conn: Connection, actor: Actor, name: str, *, description: str) -> Changed:
    """Create an empty group. Raises InvalidInput for the name, Conflict when a group of that name exists."""
    with actor.recorded("create_group", group=name), transaction(conn):
        recipients.create_group(conn, name, description=description)
    return Changed()


def describe(conn: Connection, actor: Actor, name: str, *, description: str) -> Changed:
    """Change the description of a group. Raises NotFound, and GroupBusy while an import holds it."""
    with actor.recorded("describe_group", group=name), transaction(conn):
        recipients.describe_group(conn, name, description=description)
    return Changed()


def delete(conn: Connection, actor: Actor, name: str) -> GroupDeleted:
    """Delete a group and its recipients. Raises NotFound, GroupInUse, and GroupBusy while an import holds it."""
    with actor.recorded("delete_group", group=name), transaction(conn):
        group = recipients.delete_group(conn, name)
        imports.forget_group(conn, name)
    return GroupDeleted(group=group)


def import_file(conn: Connection, actor: Actor, name: str, blocks: Iterable[bytes], **options: Any) -> ImportOutcome:
    """Make the rows of a file the content of a group; `options` are those of `import_group`, which raises."""
    with actor.recorded("import_group", group=name, file=options["where"]) as facts:
        done = import_group(conn, name, blocks, **options)
        facts |= {"recipients": done.recipients, "rejected": done.rejected_count}
        return done


def stop_import(conn: Connection, actor: Actor, record: ImportRecord) -> Changed:
    """Cancel an import within a second, whichever process runs it; no change when it had ended already."""
    with actor.recorded("stop_import", group=record.group_name), transaction(conn):
        return Changed(changed=imports.ask_to_stop(conn, record.id, by=actor.name))
