"""Rows for PostgreSQL's COPY: an iterator of lines as a file for psycopg2."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import psycopg2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg2.extensions import connection as Connection

#: Number of lines in one read (some 100 kB), so that neither Python nor libpq is called for every row.
_LINES_AT_ONCE = 1000


def copy_text(value: str) -> str:
    """A value in COPY's text format (PostgreSQL manual, COPY, "Text Format")."""
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if "\t" in value or "\n" in value or "\r" in value:
        value = value.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return value


def copy_in(
    conn: Connection, statement: str, lines: Iterator[str], *, taken: Callable[[int], None] | None = None
) -> int:
    """Run a COPY ... FROM STDIN over complete lines; returns the number of rows. Raises what `lines` raises.

    `taken` is called with the number of rows read, a thousand or fewer at a time.
    """
    source = _Source(lines, taken)
    with conn.cursor() as cursor:
        try:
            cursor.copy_expert(statement, source)
        except psycopg2.Error as failed:
            # psycopg2 hides an error of read(), also that of Ctrl-C, behind an error of the server.
            if source.error is not None:
                raise source.error from None
            if "error in .read() call" in str(failed):
                # read() did not fail, so the statement was cut off from outside, before the first line or behind the
                # last.
                raise KeyboardInterrupt from None
            raise
        return int(cursor.rowcount)


class _Source:
    """The lines as a readable file, which keeps the error that ended them."""

    def __init__(self, lines: Iterator[str], taken: Callable[[int], None] | None = None) -> None:
        self._lines = lines
        self._taken = taken
        self._rest = b""
        self.error: BaseException | None = None

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes; empty at the end."""
        while len(self._rest) < size:
            try:
                more = "".join(islice(self._lines, _LINES_AT_ONCE))
                if self._taken is not None and more:
                    # A line end within a value is escaped (`copy_text`).
                    self._taken(more.count("\n"))
            except BaseException as error:
                self.error = error
                raise
            if not more:
                break
            self._rest += more.encode()
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def readline(self, size: int = -1, /) -> bytes:
        raise NotImplementedError("psycopg2 asks that a file has this, and never calls it")
