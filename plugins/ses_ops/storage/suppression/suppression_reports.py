"""The rows that imports into the suppression list left out: kept for a while, to be downloaded and mended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from ses_ops.storage.audience.group_imports import KEPT_DAYS, Report
from ses_ops.storage.named_sql import execute, fetch_all, fetch_one, statements
from ses_ops.storage.stored_lists import stored_counts

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.suppression.suppression_import import SuppressionImport

_SQL = statements(__file__)


@dataclass(frozen=True, kw_only=True, slots=True)
class SuppressionReport:
    """What is known of one import. `rejected` are (kind, count), most first."""

    id: str
    file_name: str
    made_by: str
    made_at: datetime
    read_count: int
    changed_count: int
    rejected: tuple[tuple[str, int], ...]
    report_rows: int

    @property
    def rejected_count(self) -> int:
        """Rows that were left out; the report may have fewer."""
        return sum(count for _, count in self.rejected)


def add(conn: Connection, id: UUID, *, file_name: str, by: str, done: SuppressionImport | None, report: Report) -> None:
    """Keep a report, and forget those of long ago; `done` None when nothing was imported. The caller commits."""
    execute(conn, _SQL["forget_old"], days=KEPT_DAYS)
    counts = {"read": done.read if done else 0, "changed": done.changed if done else 0}
    execute(conn, _SQL["add_report"], id=str(id), file_name=file_name, by=by, **counts, **report.values())


def find(conn: Connection, id: UUID) -> SuppressionReport | None:
    """A report by its id."""
    found = _reports(conn, id=str(id), limit=1)
    return found[0] if found else None


def newest(conn: Connection, *, limit: int) -> list[SuppressionReport]:
    """The reports, newest first."""
    return _reports(conn, id=None, limit=limit)


def content(conn: Connection, id: UUID) -> bytes | None:
    """The CSV file of a report, gzip; None when there is none."""
    row = fetch_one(conn, _SQL["report"], id=str(id))
    return bytes(row["report"]) if row else None


def _reports(conn: Connection, *, id: str | None, limit: int) -> list[SuppressionReport]:
    return [
        SuppressionReport(**{**row, "rejected": stored_counts(row["rejected"])})
        for row in fetch_all(conn, _SQL["reports"], id=id, limit=limit)
    ]
