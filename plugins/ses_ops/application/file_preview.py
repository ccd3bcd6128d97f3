"""Preview of a recipient file: its encoding, columns and first rows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from ses_ops.audience.csv.faults import CsvFault
from ses_ops.audience.csv.reader import Row
from ses_ops.audience.recipient_file import recipient_rows
from ses_ops.errors import BadCsv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ses_ops.audience.csv.header import Header
    from ses_ops.audience.recipient_file import RecipientRows

#: Bytes of a CSV file that the preview reads. When the first character beyond ASCII stands behind them, the import
#: decides about the encoding, and nothing is stored in a wrong one then either.
LOOKED_AT = 8 * 1024**2
#: Number of first rows shown, and of rows with letters beyond ASCII, by which a person sees a wrong encoding.
FIRST_ROWS, TELLING_ROWS = 5, 5
#: Number of rows read to find those with letters beyond ASCII.
_MOST_ROWS = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownRow:
    """A row of the file by its columns; `problem` is the reason for which the import would leave it out."""

    line: int
    cells: tuple[str, ...]
    problem: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FileLook:
    """The encoding, columns and first rows with which an import would read a file."""

    encoding: str
    #: Whether the encoding is certain; else it is the likely one, and a person has to confirm it.
    sure: bool
    delimiter: str
    header: Header
    #: Of a workbook: the sheet that is read, and the names of all sheets.
    sheet: str | None
    sheets: tuple[str, ...]
    rows: tuple[ShownRow, ...]


def look_at(blocks: Callable[[], Iterable[bytes]], *, where: str, encoding: str | None, **options: Any) -> FileLook:
    """Read the beginning of a file; `blocks` returns its blocks from the beginning at each call. Raises BadCsv.

    `options` are those of `recipient_rows`. A file whose encoding can only be guessed is read in the likely one.
    """
    try:
        return _read(blocks(), where=where, encoding=encoding, sure=True, **options)
    except BadCsv as problem:
        if encoding or problem.code != CsvFault.OTHER_ENCODING:
            raise
        likely = str(problem.facts["encoding"])
    return _read(blocks(), where=where, encoding=likely, sure=False, **options)


def _read(
    blocks: Iterable[bytes],
    *,
    where: str,
    encoding: str | None,
    sure: bool,
    delimiter: str | None = None,
    address_column: str | None = None,
    names: Mapping[str, str] | None = None,
    sheet: str | None = None,
) -> FileLook:
    options: dict[str, Any] = {"delimiter": delimiter, "address_column": address_column, "sheet": sheet}
    with recipient_rows(blocks, where=where, encoding=encoding, names=names, **options) as rows:
        shown = _shown(rows)
        return FileLook(
            encoding=rows.encoding,
            sure=sure,
            delimiter=rows.delimiter,
            header=rows.header,
            sheet=getattr(rows, "sheet", None),
            sheets=getattr(rows, "sheets", ()),
            rows=tuple(shown),
        )


def _shown(rows: RecipientRows) -> list[ShownRow]:
    first: list[ShownRow] = []
    telling: list[ShownRow] = []
    for row in islice(rows.rows(), _MOST_ROWS):
        if len(first) == FIRST_ROWS and len(telling) == TELLING_ROWS:
            break
        if isinstance(row, Row):
            one = ShownRow(line=row.line, cells=rows.header.cells(row.address, row.values))
        else:
            one = ShownRow(line=row.line, cells=row.cells, problem=row.reason)
        if len(first) < FIRST_ROWS:
            first.append(one)
        elif len(telling) < TELLING_ROWS and not all(map(str.isascii, one.cells)):
            telling.append(one)
    return first + telling


def beginning(blocks: Iterable[bytes], most: int = LOOKED_AT) -> list[bytes]:
    """The blocks of a CSV file up to a size, cut at the end of a line; all blocks of any other file."""
    found: list[bytes] = []
    size = 0
    for block in blocks:
        found.append(block)
        size += len(block)
        if size > most and not found[0].startswith(b"PK\x03\x04"):
            return _whole_lines(found)
    return found


def _whole_lines(blocks: list[bytes]) -> list[bytes]:
    """The block without the partial line at its end; unchanged in UTF-16, where one byte does not mark a line end."""
    end = blocks[-1].rfind(b"\n")
    if end < 0 or b"\0" in blocks[0][:1000]:
        return blocks
    return [*blocks[:-1], blocks[-1][: end + 1]]
