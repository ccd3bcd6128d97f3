"""The reader of recipients from a sheet of an .xlsx file.

It has the interface of `CsvRows`: a header, then rows, each with its line. openpyxl reads a row at a time; package.py
has bounded the file before.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, BinaryIO

from ses_ops.audience.csv.cells import without_mark
from ses_ops.audience.csv.faults import CsvFault
from ses_ops.audience.csv.header import MOST_COLUMNS, read_header
from ses_ops.audience.csv.reader import EXCERPT, Rejected, Row
from ses_ops.audience.workbook.cells import cell_text
from ses_ops.audience.workbook.package import MOST_ROWS, check_package
from ses_ops.domain.address import parse_address
from ses_ops.errors import BadCsv, Explanation, ImportStopped, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: Number of rows between two checks whether a person stopped the import.
_CHECKED_EVERY = 500


class WorkbookRows:
    """Reads one sheet: the sheet of that name, else the sheet that is shown when the file is opened."""

    encoding = "xlsx"
    delimiter = ""

    def __init__(
        self,
        file: BinaryIO,
        *,
        where: str,
        address_column: str | None = None,
        names: Mapping[str, str] | None = None,
        sheet: str | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.where = where
        self._check = check
        try:
            formulas = check_package(file, where=where, check=check)
            book, sheet_of_values = _opened(file, sheet, where, values=True)
            self.sheets = tuple(one.title for one in _visible(book))
            self.sheet = sheet_of_values.title
            self._values = sheet_of_values
            #: The same cells as formulas: a formula whose value was never computed must not count as an empty cell.
            self._formulas = _opened(file, self.sheet, where, values=False)[1] if formulas else None
            self._header_line, fields = self._first_row()
        except (BadCsv, ImportStopped):
            raise
        except Exception as cause:  # openpyxl has no base error: a broken file can raise any exception
            raise _broken(where) from cause
        self.header = read_header(
            fields, where=f"{where}: line {self._header_line}", address_column=address_column, names=names
        )

    def _first_row(self) -> tuple[int, list[str]]:
        for line, cells in enumerate(self._values.iter_rows(max_row=MOST_ROWS, max_col=MOST_COLUMNS + 1), 1):
            fields = [cell_text(cell.value, cell.number_format if cell.value is not None else "") for cell in cells]
            while fields and not fields[-1].strip():
                fields.pop()
            if fields:
                return line, fields
        raise BadCsv(CsvFault.EMPTY, where=self.where)

    def rows(self) -> Iterator[Row | Rejected]:
        """Every row after the header, in order; empty rows are skipped."""
        width = len(self.header.written)
        try:
            for line, cells, formulas in self._cells(width):
                if line % _CHECKED_EVERY == 0:
                    self._check()
                fields = [cell_text(cell.value, cell.number_format) if cell.value is not None else "" for cell in cells]
                while len(fields) > width and not fields[-1]:
                    fields.pop()
                if any(fields) or formulas:
                    yield self._read(line, fields, _bad_cell(cells, formulas))
        except (BadCsv, ImportStopped):
            raise
        except Exception as cause:
            raise _broken(self.where) from cause

    def _cells(self, width: int) -> Iterator[tuple[int, tuple[Any, ...], frozenset[int]]]:
        """Line, cells, and the indices of the cells that are formulas, of each row after the header."""
        wide = min(max(width + 1, self._values.max_column or 0), MOST_COLUMNS + 1)
        first = self._header_line + 1
        span = {"min_row": first, "max_row": MOST_ROWS, "max_col": wide}
        rows = self._values.iter_rows(**span)
        if self._formulas is None:
            for line, cells in enumerate(rows, first):
                yield line, cells, frozenset()
            return
        for line, (cells, sources) in enumerate(zip(rows, self._formulas.iter_rows(**span), strict=True), first):
            yield line, cells, frozenset(place for place, one in enumerate(sources) if one.data_type == "f")

    def _read(self, line: int, fields: list[str], bad: Explanation | None) -> Row | Rejected:
        header = self.header
        width = len(header.written)
        if header.ours:
            fields = list(map(without_mark, fields))
        if bad is not None:
            return self._rejected(line, bad, fields)
        if len(fields) != width:
            reason = Explanation("wrong_number_of_fields", count=len(fields), width=width)
            return self._rejected(line, reason, fields)
        try:
            address, key = parse_address(fields[header.address])
        except InvalidInput as problem:
            return self._rejected(line, problem.explanation, fields)
        out = {header.address, *header.ours}
        return Row(line, address, key, [field for place, field in enumerate(fields) if place not in out])

    def _rejected(self, line: int, reason: Explanation, fields: list[str]) -> Rejected:
        return Rejected.of(line, reason, ",".join(fields)[:EXCERPT], self.header.without_ours(fields))


def _bad_cell(cells: tuple[Any, ...], formulas: frozenset[int]) -> Explanation | None:
    """Why a row is rejected for an error such as #N/A in a cell, or for a formula without a value; None for neither.

    Returns the kind, and a sentence.
    """
    for place, cell in enumerate(cells):
        if cell.data_type == "e":
            return Explanation("error_in_a_cell", column=place + 1, error=cell.value)
        if cell.value is None and place in formulas:
            return Explanation("formula_without_a_value", column=place + 1)
    return None


def _opened(file: BinaryIO, sheet: str | None, where: str, *, values: bool) -> tuple[Any, Any]:
    """The workbook and the sheet, as values or as formulas."""
    # The import stands here because few files get this far; it takes 0.1 s.
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        # The warnings are about features that openpyxl cannot write again; no file is written here.
        warnings.simplefilter("ignore")
        book = load_workbook(file, read_only=True, data_only=values, keep_links=False)
    visible = _visible(book)
    if not visible:
        raise BadCsv(CsvFault.EMPTY, where=where)
    if sheet is None:
        return book, book.active if book.active in visible else visible[0]
    names = ", ".join(one.title for one in visible)
    for one in visible:
        if one.title == sheet:
            return book, one
    raise BadCsv(CsvFault.NO_SUCH_SHEET, where=where, name=sheet, names=names)


def _visible(book: Any) -> list[Any]:
    return [one for one in book.worksheets if one.sheet_state == "visible"]


def _broken(where: str) -> BadCsv:
    return BadCsv(
        CsvFault.BROKEN_WORKBOOK,
        where=where,
    )
