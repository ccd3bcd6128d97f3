"""The lines of a CSV file that comes in blocks of UTF-8.

All work is done a block at a time; a line itself costs no Python at all. The text since the beginning of the current
row is kept, so that a row that cannot be parsed costs only its first line and reading continues at the next line.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from ses_ops.audience.csv.faults import CsvFault
from ses_ops.errors import Explanation

#: Bytes of the longest row. A longer row is a mistake (a quote that is never closed, a file that is no CSV at all).
MAX_ROW = 1_000_000
_LINE = re.compile(r"[^\n]*+\n|[^\n]++")
_LINE_OF_OLD_MACS = re.compile(r"[^\r\n]*+(?:\r\n?|\n)|[^\r\n]++")
#: The characters that "surrogateescape" makes of bytes that are not UTF-8; UTF-8 itself never yields these.
_UNDECODED = re.compile("[\udc80-\udcff]")


class RowTooLong(Exception):
    """A row is longer than MAX_ROW."""


class Lines:
    """Texts of whole lines, for `csv.reader(lines.from_here())`.

    The reader of rows sets `row_ended` at every row's end, and calls `skip_first` for a row that cannot be parsed.
    """

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        #: Whether the last row is complete; set by the reader of rows.
        self.row_ended = True
        #: Whether the kept text has NUL bytes, or bytes that are not UTF-8 (`damage` finds them).
        self.damaged = False
        # The line end of the header: "\n" (also for "\r\n"), or "" for a file of old Macs, where every "\r" ends a
        # line. Elsewhere a lone "\r" is a mistake in its row: as a line end it would cut a value in two.
        self._newline: str | None = None
        self._rest = b""
        self._skipping = False
        self._size = 0
        self._kept: list[tuple[str, bool]] = []
        self._current = io.StringIO()
        self._again = ""

    def from_here(self) -> Iterator[str]:
        """The lines from the current place on. Raises RowTooLong, once, from inside a row without end."""
        return chain.from_iterable(self)

    def __iter__(self) -> Iterator[io.StringIO]:
        return self

    def __next__(self) -> io.StringIO:
        if self.row_ended:
            # The last block stays: the row that is being read may have begun in it.
            del self._kept[:-1]
            self._size = 0
        elif self._size > MAX_ROW:
            raise RowTooLong
        text, self._again = self._again, ""
        damaged = self.damaged
        if not text:
            text, damaged = self._decoded(self._whole_lines())
            self._size += 0 if self.row_ended else len(text)
        self.row_ended = False
        self._kept.append((text, damaged))
        self.damaged = any(damaged for _, damaged in self._kept)
        self._current = io.StringIO(text, newline=self._newline)
        return self._current

    def _decoded(self, data: bytes) -> tuple[str, bool]:
        try:
            return data.decode(), b"\0" in data
        except UnicodeDecodeError:
            return data.decode(errors="surrogateescape"), True

    def _whole_lines(self) -> bytes:
        """The whole lines of the next block; at the end of the file the bytes behind the last line end."""
        for block in self._blocks:
            self._rest += block
            end = self._end_of_lines()
            if end and self._skipping:
                first = re.search(b"\n" if self._newline else b"\r\n?|\n", self._rest)
                assert first is not None
                self._rest, end = self._rest[first.end() :], end - first.end()
                self._skipping = False
            if end:
                data, self._rest = self._rest[:end], self._rest[end:]
                return data
            if self._skipping:
                self._rest = b""
            elif len(self._rest) > MAX_ROW:
                raise RowTooLong
        data, self._rest = self._rest, b""
        if not data or self._skipping:
            raise StopIteration
        return data

    def _end_of_lines(self) -> int:
        """The position behind the last whole line in `_rest`; the first line end decides the line ends of the file."""
        rest = self._rest
        if self._newline is None:
            # A carriage return at the very end may be half of a line end.
            found = re.search(rb"\r(?=[^\n])|\n", rest)
            if found is None:
                return 0
            self._newline = "" if found[0] == b"\r" else "\n"
        if self._newline:
            return rest.rfind(b"\n") + 1
        return max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, len(rest) - 1)) + 1

    def skip_first(self, count: int) -> str:
        """Go back to the second of the last `count` lines that were read; 0 means a line that was too long to be read.

        Returns the (beginning of the) first line, which is left out; `from_here`, called again, continues behind it.
        """
        self.row_ended = True
        if not count:
            first, self._rest, self._skipping = self._rest[:1000], b"", True
            return first.decode(errors="surrogateescape")
        (text, _), place = self._kept[-1], self._current.tell()
        found = self._first_of_last(text, place, count)
        if found is None:
            before = "".join(earlier for earlier, _ in self._kept[:-1])
            text, place = before + text, len(before) + place
            found = self._first_of_last(text, place, count)
        assert found is not None
        # The kept text continues behind `place` with lines that were not read yet.
        self._again = text[found[1] :]
        self._kept.clear()
        return text[found[0] : found[1]]

    def _first_of_last(self, text: str, end: int, count: int) -> tuple[int, int] | None:
        """Beginning and end of the first of the last `count` lines before `end`; None when there are fewer lines."""
        line = (_LINE if self._newline else _LINE_OF_OLD_MACS).finditer
        window = 1_000
        while True:
            start = max(0, end - window)
            skip = sum(1 for _ in line(text, start, end)) - count
            # The first line of a window may be cut.
            if skip > 0 or (skip == 0 and not start):
                return next(islice(line(text, start, end), skip, None)).span()
            if not start:
                return None
            window *= 4


def damage(fields: list[str]) -> Explanation | None:
    """The fault of a row of a damaged text; None for a good row."""
    row = "".join(fields)
    if "\0" in row:
        return Explanation(CsvFault.NUL_BYTE)
    byte = bad_byte(fields)
    return None if byte is None else Explanation(CsvFault.NOT_UTF8, byte=byte)


def bad_byte(fields: list[str]) -> str | None:
    """The first byte of a row that is not UTF-8, such as 0xE9; None without one."""
    row = "".join(fields)
    found = None if row.isascii() else _UNDECODED.search(row)
    return None if found is None else f"0x{ord(found[0]) - 0xDC00:02X}"


def readable(text: str) -> str:
    r"""The text of a damaged row in characters that can be stored: a bad byte becomes \xE9."""
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace").replace("\0", "\\x00")
