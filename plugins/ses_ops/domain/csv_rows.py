"""Recipients from a CSV file: its header, its rows, and what is wrong with it, in words that name the place.

A file that cannot be read at all (UTF-16, no header ...) raises InvalidInput with the line; a row that cannot be used
(bad address, wrong number of fields, quotation marks that do not match, bytes that are no UTF-8 ...) is rejected alone,
and reading goes on at the line behind the one that it begins on. Made for millions of rows: bytes come in blocks, lines
are split and fields are parsed in C, and memory stays at a few megabytes whatever the file holds.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ses_ops.domain.address import parse_address
from ses_ops.domain.csv_faults import CsvFault
from ses_ops.domain.csv_lines import MAX_ROW, Lines, RowTooLong, bad_byte, damage, readable
from ses_ops.domain.template_variables import check_variable_name
from ses_ops.errors import BadCsv, InvalidInput

if TYPE_CHECKING:
    from _csv import Reader

#: Columns whose name says that they hold the address.
ADDRESS_COLUMNS = ("address", "email", "e-mail", "mail", "email_address")
#: Characters of a rejected row that its report shows.
EXCERPT = 200
#: What a row is rejected for, as the fault of a header: a header cannot be left out.
_FAULTS_OF_HEADER = {
    "not UTF-8": CsvFault.NOT_UTF8,
    "NUL byte": CsvFault.NUL_BYTE,
    "quotation marks": CsvFault.QUOTATION_MARKS,
    "stray line break": CsvFault.STRAY_LINE_BREAK,
    "too long": CsvFault.TOO_LONG,
}
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
        self._lines = Lines(blocks, where)
        csv.field_size_limit(MAX_ROW)
        self._reader = self._reader_from_here()
        first = self._next()
        while first is not None and not any(first):
            first = self._next()
        if first is None:
            raise BadCsv("the file is empty; its first row must name the columns", fault=CsvFault.EMPTY, where=where)
        place = f"{where}: line {self._line}"
        if self._lines.damaged and (harm := damage(first)):
            fault = _FAULTS_OF_HEADER[harm[0]]
            raise BadCsv(harm[1], fault=fault, where=place, line=self._line, byte=bad_byte(first))
        self.header = read_header(first, where=place, delimiter=delimiter, address_column=address_column)

    def _reader_from_here(self) -> Reader:
        # Strict: else a quote that is never closed would swallow the recipients behind it without a word.
        return csv.reader(self._lines.from_here(), delimiter=self._delimiter, skipinitialspace=True, strict=True)

    def _next(self) -> list[str] | None:
        """The next row of the header's, which cannot be left out."""
        self._line = self._reader.line_num + 1
        self._lines.row_ended = True
        try:
            return next(self._reader, None)
        except (csv.Error, RowTooLong) as cause:
            kind, reason = _unreadable(cause)
            place, fault = f"{self.where}: line {self._line}", _FAULTS_OF_HEADER[kind]
            raise BadCsv(reason, fault=fault, where=place, line=self._line, bytes=MAX_ROW) from cause

    def rows(self) -> Iterator[Row | Rejected]:
        """Every row after the header, in order; empty lines are skipped."""
        width, position = len(self.header.columns), self.header.address
        lines, parse = self._lines, parse_address
        #: Lines of the file before the reader's first one.
        before, reader = 0, self._reader
        line = reader.line_num + 1
        while True:
            try:
                for fields in reader:
                    lines.row_ended = True
                    if lines.damaged and (harm := damage(fields)):
                        yield Rejected(line, *harm, self._excerpt(fields))
                    elif len(fields) == width:
                        try:
                            address, key = parse(fields[position])
                        except InvalidInput as problem:
                            yield Rejected(line, "bad address", str(problem), self._excerpt(fields))
                        else:
                            del fields[position]
                            yield Row(line, address, key, fields)
                    elif fields:
                        yield self._wrong_number(fields, line, before + reader.line_num)
                    line = before + reader.line_num + 1
                return
            except (csv.Error, RowTooLong) as cause:
                kind, reason = _unreadable(cause)
                text = lines.skip_first(before + reader.line_num - line + 1)
            yield Rejected(line, kind, reason, readable(text.rstrip("\r\n")[:EXCERPT]))
            # Behind the line that the row began on. What a quote swallowed is read again, as rows of its own.
            before, reader = line, self._reader_from_here()
            line += 1

    def _wrong_number(self, fields: list[str], first_line: int, last_line: int) -> Rejected:
        noun = "field" if len(fields) == 1 else "fields"
        reason = f"{len(fields)} {noun} where the header has {len(self.header.columns)}"
        if last_line > first_line:
            # A misplaced quotation mark may have joined lines that have nothing to do with each other.
            reason += f" (the row goes on to line {last_line})"
        return Rejected(first_line, "wrong number of fields", reason, self._excerpt(fields))

    def _excerpt(self, fields: list[str]) -> str:
        return readable(self._delimiter.join(fields)[:EXCERPT])


def _unreadable(cause: Exception) -> tuple[str, str]:
    """Why no row can be made of the text at this place, in general and in full."""
    if isinstance(cause, RowTooLong) or "field larger" in str(cause):
        return "too long", f"a row is longer than {MAX_ROW:,} bytes: is a quotation mark opened and never closed?"
    if "new-line character" in str(cause):
        return "stray line break", (
            "there is a carriage return (CR) in the middle of this row; take it out, or put the value into quotes"
        )
    return "quotation marks", (
        f"the quotation marks of this row do not match ({cause}); write a quote inside a quoted field twice"
    )


def read_header(fields: list[str], *, where: str, delimiter: str = ",", address_column: str | None = None) -> Header:
    """Check the first row. Raises InvalidInput that says what a header must be."""
    columns = tuple(name.strip() for name in fields)
    _refuse_other_delimiter(columns, where, delimiter)
    _refuse_data(columns, where)
    for index, name in enumerate(columns, 1):
        if not name:
            problem = f"the header's column {index} has no name"
            raise BadCsv(problem, fault=CsvFault.UNNAMED_COLUMN, where=where, column=index)
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        problem = f"the header names {', '.join(repeated)} more than once"
        raise BadCsv(problem, fault=CsvFault.REPEATED_COLUMN, where=where, names=repeated)
    address = _find_address(columns, where, address_column)
    for index, name in enumerate(columns):
        if index != address:
            try:
                check_variable_name(name)
            except InvalidInput as cause:
                problem = f"the header's column {cause}"
                raise BadCsv(problem, fault=CsvFault.BAD_VARIABLE, where=where, name=name) from cause
    return Header(columns=columns, address=address)


def _refuse_other_delimiter(columns: tuple[str, ...], where: str, delimiter: str) -> None:
    if len(columns) != 1:
        return
    for character, shown in _OTHER_DELIMITERS.items():
        if character != delimiter and character in columns[0]:
            raise BadCsv(
                f"the header is one column with {shown} in it: the delimiter is wrong; add --delimiter {shown}",
                fault=CsvFault.OTHER_DELIMITER,
                where=where,
                found=character,
            )


def _refuse_data(columns: tuple[str, ...], where: str) -> None:
    for name in columns:
        try:
            parse_address(name)
        except InvalidInput:
            continue
        raise BadCsv(
            f"there is no header: the first row holds the address {name!r}; put a row with the names of the columns "
            f"above it, such as address,name",
            fault=CsvFault.NO_HEADER,
            where=where,
            address=name,
        )


def _find_address(columns: tuple[str, ...], where: str, wanted: str | None) -> int:
    if wanted is not None:
        if wanted.strip() in columns:
            return columns.index(wanted.strip())
        problem = f"has no column {wanted!r}; it has {', '.join(columns)}"
        raise BadCsv(problem, fault=CsvFault.NO_SUCH_COLUMN, where=where, name=wanted, columns=columns)
    found = [index for index, name in enumerate(columns) if name.lower() in ADDRESS_COLUMNS]
    if len(found) == 1:
        return found[0]
    names = [columns[index] for index in found]
    several = f"{', '.join(names)} could each hold the address"
    problem = several if names else f"no column is named {', '.join(ADDRESS_COLUMNS)}"
    raise BadCsv(
        f"{problem}; name the address column with --address-column (there are: {', '.join(columns)})",
        fault=CsvFault.SEVERAL_ADDRESS_COLUMNS if names else CsvFault.NO_ADDRESS_COLUMN,
        where=where,
        names=names,
        columns=columns,
    )
