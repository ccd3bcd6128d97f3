"""Use cases of the suppression list: add, remove, import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ses_ops.application.changed import Changed, Counted
from ses_ops.application.suppression_import import import_suppressions
from ses_ops.errors import InvalidInput
from ses_ops.storage.audience import imports
from ses_ops.storage.audience.imports import ImportState, Progress, Report
from ses_ops.storage.connection import transaction
from ses_ops.storage.suppression import entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.audience.csv.reader import Rejected
    from ses_ops.audience.import_outcome import ImportOutcome
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

    def progress(self, stored: int) -> Progress:
        """How far the import is."""
        return Progress(rows_stored=stored, rows_rejected=self.rows.count)


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


def remove(
    conn: Connection, actor: Actor, address: Address, *, scope: str | None = None, why: str | None = None
) -> Changed:
    """Remove an address from the list, or its entry of one scope; the audit log keeps the reason. Raises NotFound."""
    facts = {name: one for name, one in (("scope", scope), ("why", why)) if one}
    with actor.recorded("unsuppress", address=address.address, **facts), transaction(conn):
        entries.remove(conn, address, scope=scope)
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
) -> ImportOutcome:
    """Add the addresses of a file, all or none; `options` are those of `import_suppressions`, which raises.

    `report` is called with each row that is left out. With `kept` the import stays on record, also one that failed.
    """
    if kept is not None:
        with transaction(conn):
            imports.begin(conn, kept.id, group=None, file_name=kept.file_name, file_bytes=None, by=actor.name)
    try:
        with actor.recorded("import_suppression", file=where) as facts:
            done = import_suppressions(
                conn,
                blocks,
                where=where,
                added_by=actor.name,
                report=report,
                before_commit=lambda done: _note_imported(conn, kept, done),
                **options,
            )
            facts.update(read=done.read, changed=done.added, rejected=done.rejected_count)
            return done
    except InvalidInput as problem:
        _note_failed(conn, kept, problem)
        raise


def _note_imported(conn: Connection, kept: KeptReport | None, done: ImportOutcome) -> None:
    if kept is not None:
        imports.note_imported(conn, kept.id, kept.progress(done.read), done, Report.of(kept.rows))


def _note_failed(conn: Connection, kept: KeptReport | None, problem: InvalidInput) -> None:
    if kept is not None:
        state, report = ImportState.FAILED, Report.of(kept.rows)
        with transaction(conn):
            imports.note_failed(conn, kept.id, kept.progress(0), report, state=state, problem=problem)
