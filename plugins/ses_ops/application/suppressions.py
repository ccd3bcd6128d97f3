"""Use cases of the suppression list: add, remove, import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_ops.application.changed import Changed, Counted
from ses_ops.errors import InvalidInput
from ses_ops.storage.audience.group_imports import Report
from ses_ops.storage.connection import transaction
from ses_ops.storage.suppression import entries, suppression_reports
from ses_ops.storage.suppression.suppression_import import SuppressionImport, import_suppressions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.audience.csv.reader import Rejected
    from ses_ops.audience.rejected_rows import RejectedRows
    from ses_ops.domain.address import Address
    from ses_ops.domain.suppression import SuppressionReason


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptReport:
    """The store of the rows that an import leaves out: a report that a person can download."""

    id: UUID
    file_name: str
    #: Called with each row that is left out, while the file is read.
    rows: RejectedRows


def add(
    conn: Connection,
    actor: Actor,
    addresses: Sequence[Address],
    *,
    reason: SuppressionReason,
    note: str,
    expires_at: datetime | None,
) -> Counted:
    """Put addresses on the list, all or none; counts those that the list did not have for at least as long."""
    facts: dict[str, Any] = {"addresses": [one.address for one in addresses], "reason": reason.value, "note": note}
    with actor.recorded("suppress", **facts) as recorded, transaction(conn):
        more: dict[str, Any] = {"reason": reason, "note": note, "expires_at": expires_at, "added_by": actor.name}
        count = recorded["changed"] = sum(entries.add(conn, one, **more) for one in addresses)
    return Counted(changed=count > 0, count=count)


def remove(conn: Connection, actor: Actor, address: Address, *, why: str | None = None) -> Changed:
    """Remove an address from the list; the audit log keeps the reason. Raises NotFound."""
    with actor.recorded("unsuppress", address=address.address, **({"why": why} if why else {})), transaction(conn):
        entries.remove(conn, address)
    return Changed()


def import_file(
    conn: Connection,
    actor: Actor,
    blocks: Iterable[bytes],
    *,
    where: str,
    report: Callable[[Rejected], None],
    kept: KeptReport | None = None,
    **options: Any,
) -> SuppressionImport:
    """Add the addresses of a file, all or none; `options` are those of `import_suppressions`, which raises.

    `report` is called with the rows that are left out; they are stored as `kept` too, also when nothing was imported.
    """
    rejected = 0

    def counted(row: Rejected) -> None:
        nonlocal rejected
        rejected += 1
        report(row)

    try:
        with actor.recorded("import_suppression", file=where) as facts:
            done = import_suppressions(
                conn,
                blocks,
                where=where,
                added_by=actor.name,
                report=counted,
                before_commit=lambda done: _keep(conn, actor, kept, done),
                **options,
            )
            facts.update(read=done.read, changed=done.changed, rejected=rejected)
            return done
    except InvalidInput:
        with transaction(conn):
            _keep(conn, actor, kept, None)
        raise


def _keep(conn: Connection, actor: Actor, kept: KeptReport | None, done: SuppressionImport | None) -> None:
    if kept is None or not kept.rows.count:
        return
    rows = kept.rows
    report = Report(content=rows.packed(), rows=rows.packed_rows, kinds=dict(rows.kinds))
    suppression_reports.add(conn, kept.id, file_name=kept.file_name, by=actor.name, done=done, report=report)
