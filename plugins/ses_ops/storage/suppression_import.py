"""Import a CSV file into the suppression list, in one transaction: address, and if wanted reason, note and expires."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ses_ops.domain.address import parse_address
from ses_ops.domain.csv_cells import without_mark
from ses_ops.domain.csv_rows import CsvRows, Rejected, Row
from ses_ops.domain.suppression import SuppressionReason, read_expiry
from ses_ops.errors import InvalidInput
from ses_ops.storage import suppression
from ses_ops.storage.connection import transaction
from ses_ops.storage.group_import import nothing_usable
from ses_ops.storage.suppression import NewSuppression

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

COLUMNS = ("reason", "note", "expires")
#: What an export has besides; an import takes its own moment and person.
EXPORTED_ONLY = ("added_at", "added_by")


@dataclass(frozen=True, kw_only=True, slots=True)
class SuppressionImport:
    """What an import did."""

    #: Rows that could be used.
    read: int
    #: Addresses that are new on the list or stay on it longer; the others were there already.
    changed: int


def import_suppressions(
    conn: Connection,
    blocks: Iterable[bytes],
    *,
    where: str,
    reason: str,
    now: datetime,
    added_by: str,
    report: Callable[[Rejected], None],
    delimiter: str | None = ",",
    address_column: str | None = None,
    encoding: str | None = None,
    before_commit: Callable[[SuppressionImport], None] | None = None,
) -> SuppressionImport:
    """Add the addresses of a file, all or none; `reason` is for rows without one, `report` gets rows left out.

    Raises BadCsv for a file that cannot be read or has no usable row, InvalidInput for a column that is not known (it
    is the error's field): then nothing was added.
    """
    kinds: Counter[str] = Counter()

    def leave_out(rejected: Rejected) -> None:
        kinds[rejected.kind] += 1
        report(rejected)

    with transaction(conn):
        rows = CsvRows(blocks, where=where, delimiter=delimiter, address_column=address_column, encoding=encoding)
        read, changed = suppression.add_all(
            conn, _entries(rows, reason, where=where, now=now, report=leave_out), added_by=added_by
        )
        if not read:
            raise nothing_usable(kinds, where)
        done = SuppressionImport(read=read, changed=changed)
        if before_commit is not None:
            before_commit(done)
    return done


def _entries(
    rows: CsvRows, default_reason: str, *, where: str, now: datetime, report: Callable[[Rejected], None]
) -> Iterator[NewSuppression]:
    columns = rows.header.variables
    for name in columns:
        if name not in (*COLUMNS, *EXPORTED_ONLY):
            raise InvalidInput(f"unknown column; known are the address, {', '.join(COLUMNS)}", where=where, field=name)
    for row in rows.rows():
        if isinstance(row, Rejected):
            report(row)
            continue
        entry = _entry(row, dict(zip(columns, row.values, strict=True)), default_reason, now)
        if isinstance(entry, Rejected):
            report(entry)
        else:
            yield entry


def _entry(row: Row, fields: dict[str, str], default_reason: str, now: datetime) -> NewSuppression | Rejected:
    reason = fields.get("reason", "").strip() or default_reason
    address, key = row.address, row.key
    try:
        chosen = SuppressionReason(reason)
    except ValueError:
        known = ", ".join(SuppressionReason)
        return Rejected(row.line, "bad reason", f"{reason!r} is not one of {known}", address)
    try:
        expires_at = read_expiry(fields.get("expires", "").strip(), reason, now=now, where="expires")
    except InvalidInput as problem:
        return Rejected(row.line, "bad expiry", str(problem), address)
    if address != without_mark(address):  # our own export, which a spreadsheet may open
        address, key = parse_address(without_mark(address))
    return NewSuppression(row.line, address, key, chosen, without_mark(fields.get("note", "")), expires_at)
