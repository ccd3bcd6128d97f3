"""The reader of recipients from a CSV file: a header, rows, rejected rows.

A file that cannot be read at all (empty, no header ...) raises BadCsv with the line. A row that cannot be used (bad
address, wrong number of fields, quotation marks that do not match, bytes that are not UTF-8 ...) is rejected alone, and
reading continues at the line behind the first line of that row. Made for millions of rows: bytes come in blocks, lines
are split and fields are parsed in C, and memory stays at a few megabytes whatever the file holds.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from ses_ops.audience.csv.cells import without_mark
from ses_ops.audience.csv.delimiter import guess_delimiter
from ses_ops.audience.csv.encoding import as_utf8
from ses_ops.audience.csv.faults import CsvFault
from ses_ops.audience.csv.header import named_delimiter, read_header
from ses_ops.audience.csv.lines import MAX_ROW, Lines, RowTooLong, damage, readable
from ses_ops.domain.address import parse_address
from ses_ops.errors import BadCsv, Explanation, InvalidInput

if TYPE_CHECKING:
    from _csv import Reader
    from collections.abc import Mapping

#: Number of characters of a rejected row that the report shows.
EXCERPT = 200
#: Number of characters of a row that cannot be parsed, of which the report makes columns as far as possible.
LONGEST_UNPARSED = 2_000


#: The kind of a rejected row as a fault of the file, for the header, which cannot be left out.
class Row(NamedTuple):
    """A recipient: first line of the row (from 1), address, key of the address, values in the order of the header."""

    line: int
    address: str
    key: str
    values: list[str]


#: The kind of reasons that an explanation is of, as lists and reports count them. All others are of the address.
_KINDS: dict[str, str] = {
    CsvFault.NUL_BYTE: "NUL byte",
    CsvFault.NOT_UTF8: "not UTF-8",
    CsvFault.QUOTATION_MARKS: "quotation marks",
    CsvFault.STRAY_LINE_BREAK: "stray line break",
    CsvFault.TOO_LONG: "too long",
    "wrong_number_of_fields": "wrong number of fields",
    "wrong_number_of_fields_over_lines": "wrong number of fields",
    "one_field": "wrong number of fields",
    "one_field_over_lines": "wrong number of fields",
    "error_in_a_cell": "error in a cell",
    "formula_without_a_value": "formula without a value",
}


class Rejected(NamedTuple):
    """A row that cannot be used. `kind` is the class of reasons, `reason` the English sentence of its explanation.

    `cells` are the cells of the row, as far as it could be parsed; `text` is the row as in the file, shortened.
    """

    line: int
    kind: str
    reason: str
    text: str
    cells: tuple[str, ...] = ()

    @classmethod
    def of(cls, line: int, reason: Explanation, text: str, cells: Iterable[str]) -> Rejected:
        """The row that an explanation is of."""
        return cls(line, _KINDS.get(reason.code, "bad address"), str(reason), text, tuple(cells))


class CsvRows:
    """Reads a file once: `header` at construction, then `rows()`. `where` names the file in errors.

    Without `encoding` and `delimiter` both are found out: by the rules of encoding.py, and from the first line (or a
    line `sep=;` above the header).
    """

    def __init__(
        self,
        blocks: Iterable[bytes],
        *,
        where: str,
        delimiter: str | None = ",",
        address_column: str | None = None,
        encoding: str | None = None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self.where = where
        #: The encoding as far as it is known: "ascii" until other bytes were read.
        self.encoding = "ascii"
        blocks = as_utf8(blocks, where=where, encoding=encoding, found=self._note_encoding)
        delimiter, blocks = (delimiter, blocks) if delimiter else guess_delimiter(blocks)
        self.delimiter = delimiter
        self._lines = Lines(blocks)
        csv.field_size_limit(MAX_ROW)
        self._reader = self._reader_from_here()
        first = self._next()
        while first is not None and (not any(first) or named_delimiter(delimiter.join(first)) is not None):
            first = self._next()
        if first is None:
            raise BadCsv(CsvFault.EMPTY, where=where)
        place = f"{where}: line {self._line}"
        if self._lines.damaged and (harm := damage(first)):
            raise BadCsv(harm.code, **{**harm.facts, "where": place, "line": self._line})
        self.header = read_header(first, where=place, delimiter=delimiter, address_column=address_column, names=names)

    def _note_encoding(self, codec: str) -> None:
        self.encoding = codec

    def _reader_from_here(self) -> Reader:
        # Strict, because a quote that is never closed would else silently swallow the recipients behind it.
        return csv.reader(self._lines.from_here(), delimiter=self.delimiter, skipinitialspace=True, strict=True)

    def _next(self) -> list[str] | None:
        """The next row, while the header is looked for; raises BadCsv, because a header cannot be left out."""
        self._line = self._reader.line_num + 1
        self._lines.row_ended = True
        try:
            return next(self._reader, None)
        except (csv.Error, RowTooLong) as cause:
            reason = _unreadable(cause)
            where = f"{self.where}: line {self._line}"
            raise BadCsv(reason.code, **{**reason.facts, "where": where, "line": self._line}) from cause

    def rows(self) -> Iterator[Row | Rejected]:
        """Every row after the header, in order; empty lines are skipped."""
        width, position = len(self.header.columns), self.header.address
        #: Indices of the columns that ses-ops added, without the address column, last first. Nearly always empty.
        extra = sorted((place - (place > position) for place in self.header.ours), reverse=True)
        lines, parse = self._lines, parse_address
        #: Number of lines of the file before the first line of `reader`.
        before, reader = 0, self._reader
        line = reader.line_num + 1
        while True:
            try:
                for fields in reader:
                    lines.row_ended = True
                    if extra:
                        fields[:] = map(without_mark, fields)
                        while len(fields) > width and not fields[-1]:  # a spreadsheet adds empty cells to a shorter row
                            del fields[-1]
                    if lines.damaged and (harm := damage(fields)):
                        yield self._rejected(line, harm, fields)
                    elif len(fields) == width:
                        try:
                            address, key = parse(fields[position])
                        except InvalidInput as problem:
                            yield self._rejected(line, problem.explanation, fields)
                        else:
                            del fields[position]
                            for place in extra:
                                del fields[place]
                            yield Row(line, address, key, fields)
                    elif fields:
                        yield self._wrong_number(fields, line, before + reader.line_num)
                    line = before + reader.line_num + 1
                return
            except (csv.Error, RowTooLong) as cause:
                reason = _unreadable(cause)
                text = lines.skip_first(before + reader.line_num - line + 1)
            yield self._unparsed(line, reason, text.rstrip("\r\n"))
            # Continue behind the first line of the row: the lines that a quote swallowed are read again, as own rows.
            before, reader = line, self._reader_from_here()
            line += 1

    def _wrong_number(self, fields: list[str], first_line: int, last_line: int) -> Rejected:
        code = "one_field" if len(fields) == 1 else "wrong_number_of_fields"
        facts = {"count": len(fields), "width": len(self.header.columns)}
        if last_line > first_line:
            # A misplaced quotation mark may have joined unrelated lines.
            return self._rejected(first_line, Explanation(f"{code}_over_lines", **facts, line=last_line), fields)
        return self._rejected(first_line, Explanation(code, **facts), fields)

    def _rejected(self, line: int, reason: Explanation, fields: list[str]) -> Rejected:
        text = readable(self.delimiter.join(fields)[:EXCERPT])
        own = self.header.without_ours(fields)
        return Rejected.of(line, reason, text, map(readable, own) if self._lines.damaged else own)

    def _unparsed(self, line: int, reason: Explanation, text: str) -> Rejected:
        """A rejected row that could not be parsed strictly; its cells are those of a tolerant reader."""
        text = readable(text[:LONGEST_UNPARSED])
        # A line break inside the row would be a mistake once more.
        line_of_text = " ".join(text.splitlines()) if not text.isprintable() else text
        fields = next(csv.reader([line_of_text], delimiter=self.delimiter, skipinitialspace=True), [text])
        return Rejected.of(line, reason, text[:EXCERPT], self.header.without_ours(fields))


def _unreadable(cause: Exception) -> Explanation:
    """Why a row cannot be parsed."""
    if isinstance(cause, RowTooLong) or "field larger" in str(cause):
        return Explanation(CsvFault.TOO_LONG, bytes=MAX_ROW)
    if "new-line character" in str(cause):
        return Explanation(CsvFault.STRAY_LINE_BREAK)
    return Explanation(CsvFault.QUOTATION_MARKS, cause=cause)
