"""The report of rows that an import left out, as lines of a CSV file that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import zlib
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from ses_ops.domain.csv_cells import safe_cell

if TYPE_CHECKING:
    from ses_ops.domain.csv_rows import Rejected

HEADER = ("line", "reason", "text")
#: Rows of a report that is kept, and bytes of it when it is compressed. Who has more bad rows has one bad habit.
MOST_ROWS = 100_000
MOST_BYTES = 4 * 1024 * 1024
#: zlib's way to say: a gzip file.
_GZIP = 16 + zlib.MAX_WBITS


def report_cells(rejected: Rejected) -> tuple[int, str, str]:
    """A row of the report."""
    return rejected.line, safe_cell(rejected.reason), safe_cell(rejected.text)


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

    def add(self, rejected: Rejected) -> None:
        """Count a row, and pack it if there is room."""
        self.kinds[rejected.kind] += 1
        self.count += 1
        if self.packed_rows >= MOST_ROWS or len(self._packed) >= MOST_BYTES:
            return
        if not self.packed_rows:
            # With a byte order mark Excel reads UTF-8.
            self._line.write("\ufeff")
            self._writer.writerow(HEADER)
        self._writer.writerow(report_cells(rejected))
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


def unpacked_beginning(packed: bytes, most: int) -> list[list[str]]:
    """The first rows of a report, without its header."""
    text = unpacked(packed, 64 * 1024 + 1024 * most).decode("utf-8-sig", "ignore")
    try:
        return list(csv.reader(io.StringIO(text, newline="")))[1 : most + 1]
    except csv.Error:  # nothing of ours writes such a cell
        return []


def unpacked(packed: bytes, most: int = 0) -> bytes:
    """A report, or `most` bytes of it; as far as it can be read, if it was damaged."""
    unpack, found = zlib.decompressobj(_GZIP), bytearray()
    with suppress(zlib.error):
        found += unpack.decompress(packed, most)
    return bytes(found)
