"""What an import reads besides rows: the delimiter of a file, and the report of what was left out."""

from __future__ import annotations

import csv
import gzip
import io

import pytest

from ses_ops.domain import rejected_rows
from ses_ops.domain.csv_delimiter import guess_delimiter
from ses_ops.domain.csv_rows import Rejected
from ses_ops.domain.rejected_rows import RejectedRows, unpacked_beginning


def row(line: int, text: str = "x") -> Rejected:
    return Rejected(line, "bad address", "there is no @", text)


def lines(rows: RejectedRows) -> list[list[str]]:
    packed = rows.packed()
    assert packed is not None
    return list(csv.reader(io.StringIO(gzip.decompress(packed).decode("utf-8-sig"), newline="")))


def test_the_report_has_the_rows_and_is_safe_to_open_in_a_spreadsheet():
    rows = RejectedRows()
    rows.add(row(2, "=HYPERLINK(1)"))
    rows.add(row(3, 'a,"b"\nc'))
    assert lines(rows) == [
        ["line", "reason", "text"],
        ["2", "there is no @", "'=HYPERLINK(1)"],
        ["3", "there is no @", 'a,"b"\nc'],
    ]
    assert unpacked_beginning(rows.packed(), 1) == [["2", "there is no @", "'=HYPERLINK(1)"]]


def test_a_report_is_bounded_and_everything_is_counted(monkeypatch):
    monkeypatch.setattr(rejected_rows, "MOST_ROWS", 10)
    rows = RejectedRows()
    for line in range(100):
        rows.add(row(line))
    assert (rows.count, rows.packed_rows, rows.kinds) == (100, 10, {"bad address": 100})
    assert len(lines(rows)) == 11


def test_without_a_rejected_row_there_is_no_report():
    assert RejectedRows().packed() is None


@pytest.mark.parametrize(
    ("head", "delimiter"),
    [
        (b"email,name\na;b;c;d", ","),
        (b"\n\nemail;name\n", ";"),
        (b"email\tname", "\t"),
        (b"email|name\r\n", "|"),
        (b'email,"a;b;c"\n', ","),
        (b"email\n", ","),
        (b"", ","),
    ],
)
def test_the_delimiter_is_found_out_from_the_first_line_and_no_byte_is_lost(head, delimiter):
    found, blocks = guess_delimiter(head[at : at + 3] for at in range(0, len(head), 3))
    assert found == delimiter
    assert b"".join(blocks) == head
