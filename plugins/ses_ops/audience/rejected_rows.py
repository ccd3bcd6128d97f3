"""The report of rows that an import rejected: a CSV file with a reason a row.

The report has the file's own columns and is safe to open in a spreadsheet. Corrected there, it can be imported without
further changes: an import leaves out the column of reasons (`REASON_COLUMN`).
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

#: Largest number of rows of a report, and of its bytes when compressed: more bad rows have one cause in common.
MOST_ROWS = 100_000
MOST_BYTES = 4 * 1024 * 1024
#: Characters of the longest cell, within Excel's own limit (32 767).
_LONGEST_CELL = 32_000
#: The `wbits` of zlib for a gzip file.
_GZIP = 16 + zlib.MAX_WBITS
_REASON = re.compile(r"line (\d+): (.*)", re.DOTALL)
#: The columns of a report when the file's own are not known.
_UNKNOWN = ("text",)
#: The header of the reports that an older version stored.
_FORMER = ["line", "reason", "text"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A row of a report, for a page."""

    line: str
    reason: str
    cells: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportBeginning:
    """The columns of the file, and the first rows of a report."""

    columns: list[str]
    rows: list[LeftOut]


def report_header(columns: Sequence[str]) -> list[str]:
    """The first row of a report; `columns` are the file's own."""
    return [*(safe_cell(name) for name in columns), REASON_COLUMN]


def report_cells(rejected: Rejected, width: int) -> list[str]:
    """A row of the report of a file with `width` columns. The excess cells of a longer row stand behind the reason."""
    cells = [safe_cell(cell[:_LONGEST_CELL]) for cell in rejected.cells or (rejected.text,)]
    short = [""] * (width - len(cells))
    return [*cells[:width], *short, f"line {rejected.line}: {rejected.reason}", *cells[width:]]


class RejectedRows:
    """Counts all rejected rows by kind, and compresses the first ones: memory is bounded whatever the file holds."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.count = 0
        #: Number of rows in the report.
        self.packed_rows = 0
        self._pack = zlib.compressobj(wbits=_GZIP)
        self._packed = bytearray()
        self._line = io.StringIO()
        self._writer = csv.writer(self._line, lineterminator="\r\n")
        self._columns: Sequence[str] = _UNKNOWN

    def name_columns(self, columns: Sequence[str]) -> None:
        """Set the columns of the file, before the first row is added."""
        self._columns = columns

    def add(self, rejected: Rejected) -> None:
        """Count a row, and add it to the report while that is below its limits."""
        self.kinds[rejected.kind] += 1
        self.count += 1
        if self.packed_rows >= MOST_ROWS or len(self._packed) >= MOST_BYTES:
            return
        if not self.packed_rows:
            # Excel reads a CSV file as UTF-8 only when it begins with a byte order mark.
            self._line.write("\ufeff")
            self._writer.writerow(report_header(self._columns))
        self._writer.writerow(report_cells(rejected, len(self._columns)))
        self.packed_rows += 1
        self._packed += self._pack.compress(self._line.getvalue().encode())
        self._line.seek(0)
        self._line.truncate()

    def packed(self) -> bytes | None:
        """The whole report so far, compressed (gzip); None without a row."""
        if not self.packed_rows:
            return None
        # More rows may follow, so a copy of the compressor is finished and not the compressor itself.
        return bytes(self._packed + self._pack.copy().flush())


def unpacked_beginning(packed: bytes | None, most: int) -> ReportBeginning:
    """The first `most` rows of a report; no rows without a report."""
    text = unpacked(packed or b"", 64 * 1024 + 1024 * most).decode("utf-8-sig", "ignore")
    try:
        header, *rows = [*islice(csv.reader(io.StringIO(text, newline="")), most + 1)] or [[]]
    except csv.Error:  # a damaged report: no version writes such a cell
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
    """The bytes of a report, at most `most` of them (0: all); of a damaged report those that can be read."""
    unpack, found = zlib.decompressobj(_GZIP), bytearray()
    with suppress(zlib.error):
        found += unpack.decompress(packed, most)
    return bytes(found)
