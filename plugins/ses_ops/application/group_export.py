"""Export of a recipient group as a CSV file.

The file is safe to open in a spreadsheet, and it can be imported again unchanged.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from ses_ops.audience.csv.cells import safe_cell
from ses_ops.audience.csv.header import ADDRESS_COLUMNS, SUPPRESSED_COLUMN
from ses_ops.domain.template_variables import recipient_values
from ses_ops.storage.audience import recipients

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from psycopg2.extensions import connection as Connection

    from ses_ops.storage.audience.recipients import RecipientGroup

#: Number of rows read, and written, at a time.
BATCH = 5_000


def group_csv(conn: Connection, group: RecipientGroup) -> Generator[bytes, None, None]:
    """The file in blocks; its last column says why a recipient gets no mail.

    It begins with the byte order mark, by which Excel knows UTF-8.
    """
    # A variable of a template may be called "address", as the first column is.
    taken = {name.lower() for name in group.variables}
    address = next((name for name in ADDRESS_COLUMNS if name not in taken), ADDRESS_COLUMNS[0])
    yield b"\xef\xbb\xbf" + _lines([(address, *group.variables, SUPPRESSED_COLUMN)])
    for rows in recipients.all_of_group(conn, group.id, batch=BATCH):
        yield _lines([_cells(group.variables, *row) for row in rows])


def _cells(
    variables: Sequence[str], address: str, values: dict[str, str | None], suppressed: str | None
) -> tuple[str, ...]:
    known = recipient_values(values)
    return (safe_cell(address), *(safe_cell(known.get(name) or "") for name in variables), suppressed or "")


def _lines(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
