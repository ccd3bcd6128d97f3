"""The report of an import's rejected rows, and its progress bar."""

from __future__ import annotations

import csv
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ses_ops.audience.csv.header import REASON_COLUMN
from ses_ops.audience.rejected_rows import report_cells, report_header
from ses_ops.errors import InvalidInput, SesError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ses_ops.audience.csv.reader import Rejected

#: Number of bytes read at a time.
BLOCK = 256 * 1024
#: First line of a report of an older version.
_FORMER = "line,reason,text"


class RejectedReport:
    """Writes rejected rows to `path` as they come; the file is made with the first one."""

    def __init__(self, path: Path, *, of: Path) -> None:
        """`of` is the file that is imported; raises InvalidInput when the report would overwrite it."""
        if path.exists() and of.exists() and path.samefile(of):
            raise InvalidInput(f"the report would overwrite the file {of}; give another place as --report")
        self.path = path
        self.count = 0
        self._file: TextIO | None = None
        self._writer: Any = None
        self._columns: Sequence[str] = ("text",)
        self._remove_former()

    def name_columns(self, columns: Sequence[str]) -> None:
        """Set the columns of the imported file; call it before the first row."""
        self._columns = columns

    def add(self, rejected: Rejected) -> None:
        """Write a row. Raises SesError when the file cannot be written."""
        if self._writer is None:
            try:
                self._file = self.path.open("w", encoding="utf-8-sig", newline="")
            except OSError as cause:
                raise SesError(
                    f"rejected rows cannot be written to {self.path} ({cause.strerror}); give another place as --report"
                ) from cause
            self._writer = csv.writer(self._file, lineterminator="\n")
            self._writer.writerow(report_header(self._columns))
        self._writer.writerow(report_cells(rejected, len(self._columns)))
        self.count += 1

    def close(self) -> None:
        """Complete the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _remove_former(self) -> None:
        """Delete the report of an earlier import, which would be taken for this one's; never another file."""
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as former:
                first = former.readline().rstrip("\r\n")
                ours = first.endswith(f",{REASON_COLUMN}") or first == _FORMER
            if ours:
                self.path.unlink()
        except (OSError, UnicodeDecodeError):
            pass


@contextmanager
def reading(path: Path, *, what: str) -> Iterator[Iterator[bytes]]:
    """The blocks of a file, with a progress bar on stderr when that is a terminal."""
    try:
        file = path.open("rb")
    except OSError as cause:
        raise InvalidInput(f"cannot be read: {cause.strerror}", where=str(path)) from cause
    with file:
        if not sys.stderr.isatty():
            yield iter(lambda: file.read(BLOCK), b"")
            return
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task(what, total=os.fstat(file.fileno()).st_size or None)

            def blocks() -> Iterator[bytes]:
                while block := file.read(BLOCK):
                    yield block
                    progress.advance(bar, len(block))
                progress.update(bar, description="checking for duplicates")

            yield blocks()
