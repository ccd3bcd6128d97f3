"""What is known of each import of the console: how far it is, what it did, and the report of the rows it left out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ses_ops.storage.named_sql import execute, fetch_all, fetch_one, statements
from ses_ops.storage.stored_lists import stored_counts, stored_doubts, stored_names

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from ses_ops.errors import SesError
    from ses_ops.storage.audience.group_import import GroupImport

_SQL = statements(__file__)

#: Seconds without a sign of life after which the process of an import is taken for gone.
LOST_AFTER = 30
#: Days that an import and its report are kept: a report holds addresses.
KEPT_DAYS = 30


class ImportState(StrEnum):
    """How an import stands. All but `imported` mean that the group is as it was before."""

    RUNNING = "running"
    IMPORTED = "imported"
    FAILED = "failed"
    #: A person stopped it, or its connection broke off.
    STOPPED = "stopped"
    #: Its process is gone.
    LOST = "lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportRecord:
    """One import. `rejected` are (kind, count), most first; `problem` is the reason of one that failed, in English."""

    id: str
    group_name: str
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
    #: Whether the rows were added to those of the group, and how many recipients they brought.
    appended: bool
    added_count: int | None
    encoding: str | None
    #: The variables' names by those of the columns that have another one.
    renamed: dict[str, str]
    #: Addresses that were taken and may be mistyped: how many, and the first as (line, address, the domain meant).
    doubtful_count: int
    doubtful: tuple[tuple[int, str, str], ...]
    state: ImportState


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far an import is."""

    bytes_read: int = 0
    rows_stored: int = 0
    rows_rejected: int = 0

    def values(self) -> dict[str, int]:
        """As parameters of a statement."""
        return {name: getattr(self, name) for name in ("bytes_read", "rows_stored", "rows_rejected")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The report of rejected rows: a CSV file, gzip, of so many rows; and the counts of all of them by kind."""

    content: bytes | None
    rows: int
    kinds: dict[str, int]

    def values(self) -> dict[str, Any]:
        """As parameters of a statement."""
        most_first = sorted(self.kinds.items(), key=lambda one: -one[1])
        return {"report": self.content, "report_rows": self.rows, "rejected": json.dumps(most_first)}


def begin(conn: Connection, id: UUID, *, group: str, file_name: str, file_bytes: int | None, by: str) -> bool:
    """Note that an import runs, and forget those of long ago; False when the id is known already."""
    execute(conn, _SQL["forget_old"], days=KEPT_DAYS)
    values = {"group": group, "file_name": file_name, "file_bytes": file_bytes, "by": by}
    return execute(conn, _SQL["begin_import"], id=str(id), **values) == 1


def running(conn: Connection, group: str) -> list[dict[str, Any]]:
    """Imports into a group that run now: id, started_by, started_at."""
    return fetch_all(conn, _SQL["running_imports"], group=group, lost_after=LOST_AFTER)


def note_progress(conn: Connection, id: UUID, progress: Progress) -> str | None:
    """Give a sign of life; returns who asked that the import be stopped, if anybody did."""
    row = fetch_one(conn, _SQL["note_progress"], id=str(id), **progress.values())
    return row["stopped_by"] if row else None


def note_imported(conn: Connection, id: UUID, progress: Progress, done: GroupImport, report: Report) -> None:
    """Write what was done, in the transaction of the import."""
    facts = {
        "created": done.created,
        "recipient_count": done.recipients,
        "variables": list(done.variables),
        "appended": done.appended,
        "added_count": done.added,
        "encoding": done.encoding,
        "renamed": json.dumps(done.renamed),
        "doubtful_count": done.doubtful_count,
        "doubtful": json.dumps(done.doubtful),
    }
    execute(conn, _SQL["note_imported"], id=str(id), **progress.values(), **facts, **report.values())


def note_failed(
    conn: Connection, id: UUID, progress: Progress, report: Report, *, state: ImportState, problem: SesError | None
) -> None:
    """Write why nothing was done; `problem` None for an error that nobody expected."""
    why = {
        "fault": problem.code if isinstance(problem, SesError) else None,
        "facts": json.dumps(problem.explanation.stored if isinstance(problem, SesError) else {}),
        "problem": str(problem) if problem is not None else None,
    }
    values = {**progress.values(), **why, **report.values()}
    execute(conn, _SQL["note_failed"], id=str(id), state=state, **values)


def ask_to_stop(conn: Connection, id: str, *, by: str) -> bool:
    """Have a running import stop within a second; False when it does not run any more."""
    return execute(conn, _SQL["ask_to_stop"], id=id, by=by) == 1


def find(conn: Connection, id: str) -> ImportRecord | None:
    """An import by its id."""
    row = fetch_one(conn, _SQL["find_import"], id=id, lost_after=LOST_AFTER)
    return None if row is None else _record(row)


def of_group(conn: Connection, group: str, *, limit: int) -> list[ImportRecord]:
    """The newest imports into a group."""
    rows = fetch_all(conn, _SQL["imports_of_group"], group=group, limit=limit, lost_after=LOST_AFTER)
    return [_record(row) for row in rows]


def report_of(conn: Connection, id: str) -> bytes | None:
    """The report of rejected rows, gzip; None when there is none."""
    row = fetch_one(conn, _SQL["report"], id=id)
    return bytes(row["report"]) if row and row["report"] is not None else None


def forget_group(conn: Connection, group: str) -> None:
    """With a group go its reports, which hold addresses."""
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
