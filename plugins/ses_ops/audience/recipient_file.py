"""A file of recipients, in any format that is read.

A CSV file is read block by block, an .xlsx file after all of it has come.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

from ses_ops.audience.csv.faults import CsvFault
from ses_ops.audience.csv.formats import is_workbook
from ses_ops.audience.csv.reader import CsvRows
from ses_ops.audience.workbook.package import LARGEST_FILE
from ses_ops.audience.workbook.reader import WorkbookRows
from ses_ops.errors import BadCsv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

RecipientRows = CsvRows | WorkbookRows

#: Number of bytes by which a workbook is recognised: they have the name of its first part.
_TELLING = 200


@contextmanager
def recipient_rows(
    blocks: Iterable[bytes],
    *,
    where: str,
    delimiter: str | None = None,
    address_column: str | None = None,
    encoding: str | None = None,
    names: Mapping[str, str] | None = None,
    sheet: str | None = None,
    check: Callable[[], None] = lambda: None,
) -> Iterator[RecipientRows]:
    """The rows of a file; `names` are the names of variables that a person chose for columns. Raises BadCsv.

    `check` is called while a workbook is read, and may raise to stop that. (A CSV file is stopped by `blocks`.)
    """
    head, rest = b"", iter(blocks)
    for block in rest:
        head += block
        if len(head) >= _TELLING:
            break
    everything = chain([head], rest)
    columns: dict[str, Any] = {"address_column": address_column, "names": names}
    if not is_workbook(head):
        yield CsvRows(everything, where=where, delimiter=delimiter, encoding=encoding, **columns)
        return
    with tempfile.TemporaryFile() as file:
        for block in everything:
            file.write(block)
            if file.tell() > LARGEST_FILE:
                most = LARGEST_FILE // 1024**2
                raise BadCsv(
                    CsvFault.LARGE_WORKBOOK,
                    where=where,
                    most=most,
                )
        yield WorkbookRows(file, where=where, sheet=sheet, check=check, **columns)
