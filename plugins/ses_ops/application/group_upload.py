"""The import of an upload into a recipient group, with progress and cancellation.

The import itself is one transaction on one connection (application/group_import). Beside it a thread tells the table of
imports how far it is, on a connection of its own, and breaks the import off when a person asked for it or when the
browser went away: whatever it does then, reading rows or looking for duplicates.
"""

from __future__ import annotations

import logging
import threading
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from ses_ops.application.group_import import import_group
from ses_ops.audience.rejected_rows import RejectedRows
from ses_ops.errors import Conflict, GroupBusy, ImportStopped, NotFound, SesError
from ses_ops.storage.audience import imports
from ses_ops.storage.audience.imports import ImportState, Progress, Report
from ses_ops.storage.connection import CONNECT_TIMEOUT, StatementFailed, connect, connected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from psycopg2.extensions import connection as Connection

    from ses_ops.application.ports import Actor
    from ses_ops.audience.csv.reader import Rejected
    from ses_ops.audience.import_outcome import ImportOutcome

    Result = TypeVar("Result")

log = logging.getLogger(__name__)

#: Seconds between two writes of the progress, and between two checks whether the import has to stop.
BEAT = 0.5
_APPLICATION = "ses-ops group import"
#: Seconds for which the watching thread waits for another session: the end of the import waits for that thread.
_AGAIN_WITHIN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadOrder:
    """The options of an import. With `create` the group must not exist; without it the group must exist."""

    id: UUID
    group: str
    new_group: bool
    by: str
    file_name: str
    file_bytes: int | None
    #: Separator; None: found from the first line.
    delimiter: str | None = None
    address_column: str | None = None
    #: Encoding; None: UTF-8, or another one that is certain.
    encoding: str | None = None
    #: Names chosen for columns, and the sheet of a workbook; None: the sheet that the workbook opens with.
    names: Mapping[str, str] = field(default_factory=dict)
    sheet: str | None = None
    #: Whether the rows are added to the group's recipients instead of replacing them.
    append: bool = False
    #: Description of the group; None: unchanged.
    description: str | None = None
    #: Whether empty cells are missing values; None: the group's setting stays.
    empty_is_missing: bool | None = None
    #: Whether one rejected row makes the whole import fail.
    strict: bool = False


class GroupUpload:
    """One import.

    `ended` and `stop` are called from the watching thread: `ended` returns the reason for which no more blocks come, or
    None; `stop` ends the blocks."""

    def __init__(
        self,
        order: UploadOrder,
        *,
        ended: Callable[[], ImportStopped | None],
        stop: Callable[[ImportStopped], None],
    ) -> None:
        self.order = order
        self._ended = ended
        self._stop_blocks = stop
        self._bytes = 0
        self._stored = 0
        self._rejected = RejectedRows()
        self._stopped: ImportStopped | None = None
        self._over = threading.Event()

    def run(self, dsn: str, actor: Actor, blocks: Iterable[bytes]) -> ImportOutcome:
        """Import the blocks of a file.

        Raises SesError; then the group is unchanged, and the import's record has the reason.
        """
        with actor.recorded("import_group", group=self.order.group, file=self.order.file_name) as facts:
            done = self._run(dsn, blocks)
            facts |= {"recipients": done.recipients, "rejected": done.rejected_count}
            return done

    def _run(self, dsn: str, blocks: Iterable[bytes]) -> ImportOutcome:
        with closing(_Notes(dsn)) as notes, connected(dsn, application=_APPLICATION) as conn:
            notes.do(self._begin)
            watcher = threading.Thread(target=self._watch, args=(notes, conn), name="group import", daemon=True)
            watcher.start()
            try:
                return self._import(conn, blocks)
            except BaseException as cause:
                self._end(watcher)
                problem = self._stopped or cause
                self._note_failed(notes, problem)
                if problem is cause:
                    raise
                raise problem from cause
            finally:
                self._end(watcher)

    def _begin(self, notes: Connection) -> None:
        order = self.order
        for other in imports.running(notes, order.group):
            raise GroupBusy(order.group, by=other["started_by"])
        begun = imports.begin(
            notes, order.id, group=order.group, file_name=order.file_name, file_bytes=order.file_bytes, by=order.by
        )
        if not begun:
            raise Conflict("form_sent_before")

    def _import(self, conn: Connection, blocks: Iterable[bytes]) -> ImportOutcome:
        order = self.order
        return import_group(
            conn,
            order.group,
            self._counted(blocks),
            where=order.file_name,
            delimiter=order.delimiter,
            address_column=order.address_column,
            encoding=order.encoding,
            names=order.names,
            sheet=order.sheet,
            append=order.append,
            description=order.description,
            empty_is_missing=order.empty_is_missing,
            strict=order.strict,
            report=self._leave_out,
            columns=self._rejected.name_columns,
            stored=self._store,
            check=self._check,
            before_commit=lambda done: self._conclude(conn, done),
        )

    def _counted(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self._check()
            self._bytes += len(block)
            yield block

    def _check(self) -> None:
        """Count rows; every loop of an import calls it, also those that read nothing more from the browser."""
        if self._stopped is not None:
            raise self._stopped

    def _store(self, rows: int) -> None:
        self._check()
        self._stored += rows

    def _leave_out(self, rejected: Rejected) -> None:
        self._check()
        self._rejected.add(rejected)

    def _conclude(self, conn: Connection, done: ImportOutcome) -> None:
        """The last moment at which nothing has happened yet."""
        self._check()
        if done.created and not self.order.new_group:
            raise NotFound("recipient group", self.order.group, code="recipient_group_deleted_meanwhile")
        if self.order.new_group and not done.created:
            raise Conflict("group_exists", group=self.order.group)
        imports.note_imported(conn, self.order.id, self._progress(), done, self._report())

    def _watch(self, notes: _Notes, conn: Connection) -> None:
        while not self._over.wait(BEAT):
            try:
                by = notes.do(lambda it: imports.note_progress(it, self.order.id, self._progress()))
                if by is not None:
                    self._stop(ImportStopped("import_stopped", by=by))
            except (SesError, StatementFailed):
                log.debug("the progress of import %s could not be written", self.order.id, exc_info=True)
            if (why := self._ended()) is not None:
                self._stop(why)
            if self._stopped is not None:
                with suppress(StatementFailed):
                    # The cancellation is repeated: one that arrives between two statements cancels nothing.
                    conn.cancel()

    def _stop(self, why: ImportStopped) -> None:
        self._stopped = self._stopped or why
        # The import may wait for the next block while the server waits for the import.
        self._stop_blocks(self._stopped)

    def _end(self, watcher: threading.Thread) -> None:
        self._over.set()
        watcher.join()

    def _note_failed(self, notes: _Notes, problem: BaseException) -> None:
        state = ImportState.STOPPED if isinstance(problem, ImportStopped) else ImportState.FAILED
        words = problem if isinstance(problem, SesError) else None
        end: dict[str, Any] = {"state": state, "problem": words}
        try:
            notes.insist(lambda it: imports.note_failed(it, self.order.id, self._progress(), self._report(), **end))
        except (SesError, StatementFailed):
            log.warning("the end of import %s could not be written", self.order.id, exc_info=True)

    def _progress(self) -> Progress:
        return Progress(bytes_read=self._bytes, rows_stored=self._stored, rows_rejected=self._rejected.count)

    def _report(self) -> Report:
        return Report.of(self._rejected)


class _Notes:
    """The session that tells the table of imports. Each statement is a transaction; a lost session is made anew."""

    def __init__(self, dsn: str) -> None:
        """Raises DatabaseUnavailable."""
        self._dsn = dsn
        self._conn = self._connected(CONNECT_TIMEOUT)

    def do(self, statement: Callable[[Connection], Result]) -> Result:
        """The result of a statement. Raises DatabaseUnavailable, StatementFailed."""
        if self._conn.closed:
            self._conn = self._connected(_AGAIN_WITHIN)
        return statement(self._conn)

    def insist(self, statement: Callable[[Connection], Result]) -> Result:
        """The same, by another session where this one is lost: for a statement that may be repeated."""
        try:
            return self.do(statement)
        except StatementFailed:
            if not self._conn.closed:
                raise
            return self.do(statement)

    def close(self) -> None:
        """End the session."""
        self._conn.close()

    def _connected(self, within: int) -> Connection:
        conn = connect(self._dsn, application=_APPLICATION, connect_timeout=within)
        conn.autocommit = True
        return conn
