"""The rows of a suppression file: address, and if wanted reason, note and expires."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ses_ops.cli.suppressions import read_expiry
from ses_ops.domain.csv_rows import CsvRows, Rejected
from ses_ops.errors import InvalidInput
from ses_ops.storage.suppression import NewSuppression, SuppressionReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COLUMNS = ("reason", "note", "expires")


def suppressions(
    rows: CsvRows, default_reason: str, *, where: str, report: Callable[[Rejected], None]
) -> Iterator[NewSuppression]:
    """The entries of a file; rows that cannot be used go to `report`. Raises InvalidInput for an unknown column."""
    columns = rows.header.variables
    for name in columns:
        if name not in COLUMNS:
            raise InvalidInput(f"unknown column; known are the address, {', '.join(COLUMNS)}", where=where, field=name)
    for row in rows.rows():
        if isinstance(row, Rejected):
            report(row)
            continue
        fields = dict(zip(columns, row.values, strict=True))
        reason = fields.get("reason", "").strip() or default_reason
        try:
            chosen = SuppressionReason(reason)
            expires_at = read_expiry(fields.get("expires", "").strip(), reason, where="expires")
        except InvalidInput as problem:
            report(Rejected(row.line, "bad expiry", str(problem), row.address))
        except ValueError:
            known = ", ".join(SuppressionReason)
            report(Rejected(row.line, "bad reason", f"{reason!r} is not one of {known}", row.address))
        else:
            yield NewSuppression(row.line, row.address, row.key, chosen, fields.get("note", ""), expires_at)
