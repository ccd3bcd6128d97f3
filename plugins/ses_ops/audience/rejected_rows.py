"""The report of rows that an import left out: a CSV file with the file's own columns, and why each row is in it.

It is safe to open in a spreadsheet. Corrected there it can be imported as it is: the import knows the column of reasons
(`REASON_COLUMN`) and leaves it out.
"""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from ses_ops.audience.csv.cells import safe_cell, without_mark
from ses_ops.audience.csv.header import REASON_COLUMN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ses_ops.audience.csv.reader import Rejected

#: Rows of a report that is kept, and bytes of it when it is compressed. Who has more bad rows has one bad habit.
MOST_ROWS = 100_000
MOST_BYTES = 4 * 1024 * 1024
#: Characters of a cell: Excel's own limit.
_LONGEST_CELL = 32_000
#: zlib's way to say: a gzip file.
_GZIP = 16 + zlib.MAX_WBITS
_REASON = re.compile(r"line (\d+): (.*)", re.DOTALL)
#: The columns of a report when the file's own are not known.
_UNKNOWN = ("text",)
#: The header of reports that an older version kept.
_FORMER = ["line", "reason", "text"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A row of a report as a page shows it."""

    line: str
    reason: str
    cells: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportBeginning:
    """The file's columns and the first rows of a report."""

    columns: list[str]
    rows: list[LeftOut]


def report_header(columns: Sequence[str]) -> list[str]:
    """The first row of a report; `columns` are the file's own."""
    return [*(safe_cell(name) for name in columns), REASON_COLUMN]


def report_cells(rejected: Rejected, width: int) -> list[str]:
    """A row of the report of a file with `width` columns. What a row has more of stands behind the reason."""
    cells = [safe_cell(cell[:_LONGEST_CELL]) for cell in rejected.cells or (rejected.text,)]
    short = [""] * (width - len(cells))
    return [*cells[:width], *short, f"line {rejected.line}: {rejected.reason}", *cells[width:]]


class RejectedRows:
    """Counts all rejected rows by kind, and packs the first of them: memory is bounded whatever the file holds."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.count = 0
        #: Rows in the report.
        self.packed_rows = 0
        self._pack = zlib.compressobj(wbits=_GZIP)
        self._packed = bytearray()
        self._line = io.StringIO()
        self._writer = csv.writer(self._line, lineterminator="\r\n")
        self._columns: Sequence[str] = _UNKNOWN

    def name_columns(self, columns: Sequence[str]) -> None:
        """Tell the file's own columns, before the first row comes."""
        self._columns = columns

    def add(self, rejected: Rejected) -> None:
        """Count a row, and pack it if there is room."""
        self.kinds[rejected.kind] += 1
        self.count += 1
        if self.packed_rows >= MOST_ROWS or len(self._packed) >= MOST_BYTES:
            return
        if not self.packed_rows:
            # With a byte order mark Excel reads UTF-8.
            self._line.write("\ufeff")
            self._writer.writerow(report_header(self._columns))
        self._writer.writerow(report_cells(rejected, len(self._columns)))
        self.packed_rows += 1
        self._packed += self._pack.compress(self._line.getvalue().encode())
        self._line.seek(0)
        self._line.truncate()

    def packed(self) -> bytes | None:
        """The whole report so far, gzip, or None without a row."""
        if not self.packed_rows:
            return None
        # What is packed goes on behind: a copy is finished.
        return bytes(self._packed + self._pack.copy().flush())


def unpacked_beginning(packed: bytes | None, most: int) -> ReportBeginning:
    """The first rows of a report; none without one."""
    text = unpacked(packed or b"", 64 * 1024 + 1024 * most).decode("utf-8-sig", "ignore")
    try:
        header, *rows = [*islice(csv.reader(io.StringIO(text, newline="")), most + 1)] or [[]]
    except csv.Error:  # nothing of ours writes such a cell
        header, rows = [], []
    if header == _FORMER:
        former = [LeftOut(line=row[0], reason=row[1], cells=row[2:]) for row in rows if len(row) == len(_FORMER)]
        return ReportBeginning(columns=["text"], rows=former)
    width = header.index(REASON_COLUMN) if REASON_COLUMN in header else len(header)
    return ReportBeginning(columns=header[:width], rows=[_left_out(row, width) for row in rows if len(row) > width])


def _left_out(row: list[str], width: int) -> LeftOut:
    found = _REASON.fullmatch(row[width])
    line, reason = found.groups() if found else ("", row[width])
    return LeftOut(line=line, reason=reason, cells=[without_mark(cell) for cell in (*row[:width], *row[width + 1 :])])


def unpacked(packed: bytes, most: int = 0) -> bytes:
    """A report, or `most` bytes of it; as far as it can be read, if it was damaged."""
    unpack, found = zlib.decompressobj(_GZIP), bytearray()
    with suppress(zlib.error):
        found += unpack.decompress(packed, most)
    return bytes(found)
