"""The records of the console's imports: progress, result, report of rejected rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ses_ops.errors import SesError
from ses_ops.storage.named_sql import execute, fetch_all, fetch_one, statements
from ses_ops.storage.stored_lists import stored_counts, stored_doubts, stored_names

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.audience.import_outcome import ImportOutcome
    from ses_ops.audience.rejected_rows import RejectedRows

_SQL = statements(__file__)

#: Seconds without a heartbeat after which the process of an import counts as dead.
LOST_AFTER = 30
#: Days for which an import and its report are kept, because a report has addresses.
KEPT_DAYS = 30


class ImportState(StrEnum):
    """The state of an import. In all states but `imported` the group is not changed."""

    RUNNING = "running"
    IMPORTED = "imported"
    FAILED = "failed"
    #: A person stopped the import, or its connection broke.
    STOPPED = "stopped"
    #: The process of the import died.
    LOST = "lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportRecord:
    """One import. `rejected` are (kind, count), most first; `problem` is the reason of a failure, in English."""

    id: str
    #: None: into the suppression list.
    group_name: str | None
    file_name: str
    file_bytes: int | None
    started_by: str
    started_at: datetime
    ended_at: datetime | None
    stopped_by: str | None
    bytes_read: int
    rows_stored: int
    rows_rejected: int
    created: bool | None
    recipient_count: int | None
    variables: tuple[str, ...]
    rejected: tuple[tuple[str, int], ...]
    fault: str | None
    facts: dict[str, Any]
    problem: str | None
    report_rows: int
    #: Whether the rows were added to those of the group, and the number of recipients of the file.
    appended: bool
    #: Recipients that the file brought, or addresses that are new on the suppression list or stay on it longer.
    added_count: int | None
    encoding: str | None
    #: Names of variables by the names of their columns, where the two differ.
    renamed: dict[str, str]
    #: Accepted addresses that may be mistyped: their number, and the first as (line, address, domain meant).
    doubtful_count: int
    doubtful: tuple[tuple[int, str, str], ...]
    state: ImportState

    @property
    def rejected_count(self) -> int:
        """Rows that were left out; the report may have fewer."""
        return sum(count for _, count in self.rejected)


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """The progress of an import."""

    bytes_read: int = 0
    rows_stored: int = 0
    rows_rejected: int = 0

    def values(self) -> dict[str, int]:
        """As parameters of a statement."""
        return {name: getattr(self, name) for name in ("bytes_read", "rows_stored", "rows_rejected")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The report of rejected rows: a CSV file (gzip), its number of rows, and counts of all rejected rows by kind."""

    content: bytes | None
    rows: int
    kinds: dict[str, int]

    @classmethod
    def of(cls, rejected: RejectedRows) -> Report:
        """The report of rows as they are counted so far."""
        return cls(content=rejected.packed(), rows=rejected.packed_rows, kinds=dict(rejected.kinds))

    def values(self) -> dict[str, Any]:
        """As parameters of a statement."""
        most_first = sorted(self.kinds.items(), key=lambda one: -one[1])
        return {"report": self.content, "report_rows": self.rows, "rejected": json.dumps(most_first)}


def begin(conn: Connection, id: UUID, *, group: str | None, file_name: str, file_bytes: int | None, by: str) -> bool:
    """Note that an import runs (without `group`: into the suppression list), and forget those of long ago.

    False when the id is known already.
    """
    execute(conn, _SQL["forget_old"], days=KEPT_DAYS)
    values = {"group": group, "file_name": file_name, "file_bytes": file_bytes, "by": by}
    return execute(conn, _SQL["begin_import"], id=str(id), **values) == 1


def running(conn: Connection, group: str) -> list[dict[str, Any]]:
    """The running imports into a group, with id, started_by and started_at."""
    return fetch_all(conn, _SQL["running_imports"], group=group, lost_after=LOST_AFTER)


def note_progress(conn: Connection, id: UUID, progress: Progress) -> str | None:
    """Write a heartbeat; returns the name of the person who asked to stop the import, if there is one."""
    row = fetch_one(conn, _SQL["note_progress"], id=str(id), **progress.values())
    return row["stopped_by"] if row else None


def note_imported(conn: Connection, id: UUID, progress: Progress, done: ImportOutcome, report: Report) -> None:
    """Write what was done, in the transaction of the import."""
    facts = {
        "created": done.created,
        "recipient_count": done.recipients,
        "variables": list(done.variables),
        "appended": done.appended,
        "added_count": done.added,
        "encoding": done.encoding,
        "renamed": json.dumps(dict(done.renamed)),
        "doubtful_count": done.doubtful_count,
        "doubtful": json.dumps(done.doubtful),
    }
    execute(conn, _SQL["note_imported"], id=str(id), **progress.values(), **facts, **report.values())


def note_failed(
    conn: Connection, id: UUID, progress: Progress, report: Report, *, state: ImportState, problem: SesError | None
) -> None:
    """Write why the import failed; `problem` is None for an unexpected error."""
    why = {
        "fault": problem.code if isinstance(problem, SesError) else None,
        # PostgreSQL takes no NUL, which a file that is no text may have in the line that is shown of it.
        "facts": json.dumps(problem.explanation.stored if isinstance(problem, SesError) else {}).replace(
            "\\u0000", "\\ufffd"
        ),
        "problem": str(problem).replace("\0", "\ufffd") if problem is not None else None,
    }
    values = {**progress.values(), **why, **report.values()}
    execute(conn, _SQL["note_failed"], id=str(id), state=state, **values)


def ask_to_stop(conn: Connection, id: str, *, by: str) -> bool:
    """Ask a running import to stop, which it does within a second; False when it does not run any more."""
    return execute(conn, _SQL["ask_to_stop"], id=id, by=by) == 1


def find(conn: Connection, id: str) -> ImportRecord | None:
    """An import by its id."""
    row = fetch_one(conn, _SQL["find_import"], id=id, lost_after=LOST_AFTER)
    return None if row is None else _record(row)


def of_group(conn: Connection, group: str, *, limit: int) -> list[ImportRecord]:
    """The newest imports into a group."""
    rows = fetch_all(conn, _SQL["imports_of_group"], group=group, limit=limit, lost_after=LOST_AFTER)
    return [_record(row) for row in rows]


def of_suppression_list(conn: Connection, *, limit: int) -> list[ImportRecord]:
    """The newest imports into the suppression list that left rows out."""
    rows = fetch_all(conn, _SQL["suppression_imports"], limit=limit, lost_after=LOST_AFTER)
    return [_record(row) for row in rows]


def report_of(conn: Connection, id: str) -> bytes | None:
    """The report of rejected rows (gzip); None without one."""
    row = fetch_one(conn, _SQL["report"], id=id)
    return bytes(row["report"]) if row and row["report"] is not None else None


def forget_group(conn: Connection, group: str) -> None:
    """Delete the reports of a deleted group, because they have addresses."""
    execute(conn, _SQL["forget_group"], group=group)


def _record(row: dict[str, Any]) -> ImportRecord:
    lists = {
        "variables": stored_names(row["variables"]),
        "rejected": stored_counts(row["rejected"]),
        "doubtful": stored_doubts(row["doubtful"]),
        "facts": row["facts"] if isinstance(row["facts"], dict) else {},
        "renamed": row["renamed"] if isinstance(row["renamed"], dict) else {},
        "state": ImportState(row["state"]),
    }
    return ImportRecord(**{**row, **lists})
