"""Recipients from a CSV file: its header, its rows, and what is wrong with it, in words that name the place.

A file that cannot be read at all (wrong encoding, no header, a row without end ...) raises InvalidInput with the line;
a row that cannot be used (bad address, wrong number of fields) is rejected alone. Made for millions of rows: bytes
come in blocks, lines are split and fields are parsed in C, and memory stays at a few megabytes whatever the file holds.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ses_ops.domain.address import parse_address
from ses_ops.domain.template_variables import check_variable_name
from ses_ops.errors import InvalidInput

#: Bytes of one row. A longer one is a mistake (a quote that is never closed, a file that is no CSV at all).
MAX_ROW = 1_000_000
#: Columns whose name says that they hold the address.
ADDRESS_COLUMNS = ("address", "email", "e-mail", "mail", "email_address")
#: Characters of a rejected row that its report shows.
EXCERPT = 200
_OTHER_DELIMITERS = {";": "';'", "\t": "tab", "|": "'|'", ",": "','"}


class Row(NamedTuple):
    """A recipient: the line it begins on (from 1), where to send, how to compare, the variables in header order."""

    line: int
    address: str
    key: str
    values: list[str]


class Rejected(NamedTuple):
    """A row that cannot be used. `kind` is the reason in general, `reason` the reason in full."""

    line: int
    kind: str
    reason: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """The first row, understood."""

    columns: tuple[str, ...]
    #: Index of the address column.
    address: int

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(name for index, name in enumerate(self.columns) if index != self.address)


class CsvRows:
    """Reads a file once: `header` at construction, then `rows()`. `where` names the file in errors."""

    def __init__(
        self, blocks: Iterable[bytes], *, where: str, delimiter: str = ",", address_column: str | None = None
    ) -> None:
        self.where = where
        self._delimiter = delimiter
        self._lines = _Lines(blocks, where)
        csv.field_size_limit(MAX_ROW)
        # Strict: else a quote that is never closed would swallow the recipients behind it without a word.
        self._reader = csv.reader(iter(self._lines), delimiter=delimiter, skipinitialspace=True, strict=True)
        self._line = 1
        first = self._next()
        while first is not None and not any(first):
            first = self._next()
        if first is None:
            raise InvalidInput("the file is empty; its first row must name the columns", where=where)
        place = f"{where}: line {self._line}"
        self.header = read_header(first, where=place, delimiter=delimiter, address_column=address_column)

    def _next(self) -> list[str] | None:
        self._line = self._reader.line_num + 1
        self._lines.row_ended = True
        try:
            return next(self._reader, None)
        except (csv.Error, _RowTooLong) as cause:
            raise self._unreadable(cause, self._line) from cause

    def _unreadable(self, cause: Exception, line: int) -> InvalidInput:
        if isinstance(cause, _RowTooLong) or "field larger" in str(cause):
            problem = f"a row is longer than {MAX_ROW:,} bytes: is a quotation mark opened and never closed?"
        else:
            problem = (
                f"the quotation marks of this row do not match ({cause}); write a quote inside a quoted field twice"
            )
        return InvalidInput(problem, where=f"{self.where}: line {line}")

    def rows(self) -> Iterator[Row | Rejected]:
        """Every row after the header, in order; empty lines are skipped."""
        width, position = len(self.header.columns), self.header.address
        reader, lines, parse = self._reader, self._lines, parse_address
        line = reader.line_num + 1
        try:
            for fields in reader:
                lines.row_ended = True
                if len(fields) == width:
                    try:
                        address, key = parse(fields[position])
                    except InvalidInput as problem:
                        yield Rejected(line, "bad address", str(problem), self._excerpt(fields))
                    else:
                        del fields[position]
                        yield Row(line, address, key, fields)
                elif fields:
                    reason = f"{_count(len(fields), 'field')} where the header has {width}"
                    yield Rejected(line, "wrong number of fields", reason, self._excerpt(fields))
                line = reader.line_num + 1
        except (csv.Error, _RowTooLong) as cause:
            raise self._unreadable(cause, line) from cause

    def _excerpt(self, fields: list[str]) -> str:
        return self._delimiter.join(fields)[:EXCERPT]


def read_header(fields: list[str], *, where: str, delimiter: str = ",", address_column: str | None = None) -> Header:
    """Check the first row. Raises InvalidInput that says what a header must be."""
    columns = tuple(name.strip() for name in fields)
    _refuse_other_delimiter(columns, where, delimiter)
    _refuse_data(columns, where)
    for index, name in enumerate(columns, 1):
        if not name:
            raise InvalidInput(f"the header's column {index} has no name", where=where)
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise InvalidInput(f"the header names {', '.join(repeated)} more than once", where=where)
    address = _find_address(columns, where, address_column)
    for index, name in enumerate(columns):
        if index != address:
            try:
                check_variable_name(name)
            except InvalidInput as problem:
                raise InvalidInput(f"the header's column {problem}", where=where) from problem
    return Header(columns=columns, address=address)


def _refuse_other_delimiter(columns: tuple[str, ...], where: str, delimiter: str) -> None:
    if len(columns) != 1:
        return
    for character, shown in _OTHER_DELIMITERS.items():
        if character != delimiter and character in columns[0]:
            raise InvalidInput(
                f"the header is one column with {shown} in it: the delimiter is wrong; add --delimiter {shown}",
                where=where,
            )


def _refuse_data(columns: tuple[str, ...], where: str) -> None:
    for name in columns:
        try:
            parse_address(name)
        except InvalidInput:
            continue
        raise InvalidInput(
            f"there is no header: the first row holds the address {name!r}; put a row with the names of the columns "
            f"above it, such as address,name",
            where=where,
        )


def _find_address(columns: tuple[str, ...], where: str, wanted: str | None) -> int:
    if wanted is not None:
        if wanted.strip() in columns:
            return columns.index(wanted.strip())
        raise InvalidInput(f"has no column {wanted!r}; it has {', '.join(columns)}", where=where)
    found = [index for index, name in enumerate(columns) if name.lower() in ADDRESS_COLUMNS]
    if len(found) == 1:
        return found[0]
    names = ", ".join(columns[index] for index in found)
    problem = f"{names} could each hold the address" if found else f"no column is named {', '.join(ADDRESS_COLUMNS)}"
    raise InvalidInput(
        f"{problem}; name the address column with --address-column (there are: {', '.join(columns)})",
        where=where,
    )


class _Lines:
    """The lines of a file given in blocks of bytes: UTF-8, each with its own line end, no row without limit.

    Everything is looked at a block at a time; a line itself costs no Python at all.
    """

    def __init__(self, blocks: Iterable[bytes], where: str) -> None:
        self._where = where
        self._blocks = blocks
        #: Set by the reader of rows when a row was complete.
        self.row_ended = True

    def __iter__(self) -> Iterator[str]:
        offset = lines = size = 0
        rest = b""
        for block in _without_mark(self._blocks, self._where):
            size = 0 if self.row_ended else size + len(block)
            self.row_ended = False
            if size > MAX_ROW:
                raise _RowTooLong
            rest += block
            # A carriage return at the very end may be half of a line end.
            end = max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, len(rest) - 1)) + 1
            if end:
                yield from self._split(rest[:end], offset, lines)
                lines += _line_ends(rest[:end])
                offset += end
                rest = rest[end:]
        if rest:
            yield from self._split(rest, offset, lines)

    def _split(self, data: bytes, offset: int, lines_before: int) -> Iterator[str]:
        """The lines in `data`, split where CSV splits them (not at U+2028 and the like)."""
        nul = data.find(b"\0")
        if nul >= 0:
            raise InvalidInput(
                f"there is a NUL byte at offset {offset + nul}: this is no text, or it was damaged",
                where=f"{self._where}: line {lines_before + _line_ends(data[:nul]) + 1}",
            )
        try:
            return io.StringIO(data.decode("utf-8"), newline="")
        except UnicodeDecodeError as cause:
            bad = cause.start
            raise InvalidInput(
                f"is not UTF-8: byte 0x{data[bad]:02X} at offset {offset + bad}; save it as UTF-8, or convert it: "
                f"iconv -f WINDOWS-1252 -t UTF-8 IN.csv > OUT.csv (with the encoding that it really has)",
                where=f"{self._where}: line {lines_before + _line_ends(data[:bad]) + 1}",
            ) from cause


class _RowTooLong(Exception):
    """A row went on for more than MAX_ROW."""


def _without_mark(blocks: Iterable[bytes], where: str) -> Iterator[bytes]:
    """The blocks without a UTF-8 byte order mark; refuses UTF-16, which other programs call "Unicode"."""
    first = True
    for block in blocks:
        data = block
        if first and data:
            first = False
            head = data[:200]
            odd_zeros, even_zeros = head[1::2].count(0), head[0::2].count(0)
            if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or (
                max(odd_zeros, even_zeros) > len(head) // 4 > 0
            ):
                raise InvalidInput(
                    'is UTF-16 (Excel\'s "Unicode text"); save it as "CSV UTF-8", or convert it: '
                    "iconv -f UTF-16 -t UTF-8 IN.csv > OUT.csv",
                    where=where,
                )
            if head.startswith(codecs.BOM_UTF8):
                data = data[3:]
        yield data


def _line_ends(data: bytes) -> int:
    return data.count(b"\n") or data.count(b"\r")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
