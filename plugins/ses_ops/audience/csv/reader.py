"""Recipients from a CSV file: its header, its rows, and what is wrong with it, in words that name the place.

A file that cannot be read at all (UTF-16, no header ...) raises InvalidInput with the line; a row that cannot be used
(bad address, wrong number of fields, quotation marks that do not match, bytes that are no UTF-8 ...) is rejected alone,
and reading goes on at the line behind the one that it begins on. Made for millions of rows: bytes come in blocks, lines
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

#: Characters of a rejected row that its report shows.
EXCERPT = 200
#: Characters of a row that cannot be taken apart, and that its report tries to show in its columns.
LONGEST_UNPARSED = 2_000


#: What a row is rejected for, as the fault of a header: a header cannot be left out.
class Row(NamedTuple):
    """A recipient: the line it begins on (from 1), where to send, how to compare, the variables in header order."""

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
    """A row that cannot be used. `kind` is the reason in general, `reason` the English sentence of its explanation.

    `cells` are the row's own, as far as they could be told apart; `text` is how it stands in the file, shortened.
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

    Without an encoding and a delimiter both are found out: by the rules of encoding.py, and from the first line
    (or a line `sep=;` above the header).
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
        #: How the file is written, as far as that is known: ASCII until something else was read.
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
        # Strict: else a quote that is never closed would swallow the recipients behind it without a word.
        return csv.reader(self._lines.from_here(), delimiter=self.delimiter, skipinitialspace=True, strict=True)

    def _next(self) -> list[str] | None:
        """The next row of the header's, which cannot be left out."""
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
        #: Where our own columns are once the address is taken out; last first. Nearly always there is none.
        extra = sorted((place - (place > position) for place in self.header.ours), reverse=True)
        lines, parse = self._lines, parse_address
        #: Lines of the file before the reader's first one.
        before, reader = 0, self._reader
        line = reader.line_num + 1
        while True:
            try:
                for fields in reader:
                    lines.row_ended = True
                    if extra:
                        fields[:] = map(without_mark, fields)
                        while len(fields) > width and not fields[-1]:  # what a spreadsheet puts behind a shorter row
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
            # Behind the line that the row began on. What a quote swallowed is read again, as rows of its own.
            before, reader = line, self._reader_from_here()
            line += 1

    def _wrong_number(self, fields: list[str], first_line: int, last_line: int) -> Rejected:
        code = "one_field" if len(fields) == 1 else "wrong_number_of_fields"
        facts = {"count": len(fields), "width": len(self.header.columns)}
        if last_line > first_line:
            # A misplaced quotation mark may have joined lines that have nothing to do with each other.
            reason = Explanation(f"{code}_over_lines", **facts, line=last_line)
        else:
            reason = Explanation(code, **facts)
        return self._rejected(first_line, reason, fields)

    def _rejected(self, line: int, reason: Explanation, fields: list[str]) -> Rejected:
        text = readable(self.delimiter.join(fields)[:EXCERPT])
        own = self.header.without_ours(fields)
        return Rejected.of(line, reason, text, map(readable, own) if self._lines.damaged else own)

    def _unparsed(self, line: int, reason: Explanation, text: str) -> Rejected:
        """A row that could not be taken apart by the rules; its report shows what a tolerant reader makes of it."""
        text = readable(text[:LONGEST_UNPARSED])
        # A line break inside of it would be a mistake once more.
        line_of_text = " ".join(text.splitlines()) if not text.isprintable() else text
        fields = next(csv.reader([line_of_text], delimiter=self.delimiter, skipinitialspace=True), [text])
        return Rejected.of(line, reason, text[:EXCERPT], self.header.without_ours(fields))


def _unreadable(cause: Exception) -> Explanation:
    """Why no row can be made of the text at this place."""
    if isinstance(cause, RowTooLong) or "field larger" in str(cause):
        return Explanation(CsvFault.TOO_LONG, bytes=MAX_ROW)
    if "new-line character" in str(cause):
        return Explanation(CsvFault.STRAY_LINE_BREAK)
    return Explanation(CsvFault.QUOTATION_MARKS, cause=cause)
