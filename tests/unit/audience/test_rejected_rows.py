"""What an import reads besides rows: the delimiter of a file, and the report of what was left out."""

from __future__ import annotations

import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_ops.audience import rejected_rows
from ses_ops.audience.csv.cells import FORMULA, safe_cell, without_mark
from ses_ops.audience.csv.delimiter import guess_delimiter
from ses_ops.audience.csv.reader import CsvRows, Rejected
from ses_ops.audience.rejected_rows import RejectedRows, unpacked_beginning


def row(line: int, text: str = "x", *cells: str) -> Rejected:
    return Rejected(line, "bad address", "there is no @", text, cells)


def lines(rows: RejectedRows) -> list[list[str]]:
    packed = rows.packed()
    assert packed is not None
    return list(csv.reader(io.StringIO(gzip.decompress(packed).decode("utf-8-sig"), newline="")))


def test_the_report_has_the_rows_and_is_safe_to_open_in_a_spreadsheet():
    rows = RejectedRows()
    rows.name_columns(["email", "name"])
    rows.add(row(2, "", "x", "=HYPERLINK(1)"))
    rows.add(row(3, "", 'a,"b"\nc'))
    rows.add(row(4, "", "d", "e", "+f"))
    assert lines(rows) == [
        ["email", "name", "ses_reason"],
        ["x", "'=HYPERLINK(1)", "line 2: there is no @"],
        ['a,"b"\nc', "", "line 3: there is no @"],
        ["d", "e", "line 4: there is no @", "'+f"],
    ]
    shown = unpacked_beginning(rows.packed(), 3)
    assert shown.columns == ["email", "name"]
    assert [(one.line, one.reason, one.cells) for one in shown.rows] == [
        ("2", "there is no @", ["x", "=HYPERLINK(1)"]),
        ("3", "there is no @", ['a,"b"\nc', ""]),
        ("4", "there is no @", ["d", "e", "+f"]),
    ]


def test_a_report_that_an_older_version_kept_is_still_shown():
    packed = gzip.compress(b"line,reason,text\r\n7,there is no @,'=x\r\n")
    (shown,) = unpacked_beginning(packed, 10).rows
    assert (shown.line, shown.reason, shown.cells) == ("7", "there is no @", ["'=x"])
    assert unpacked_beginning(None, 10).rows == []


@given(st.lists(st.lists(st.text(st.sampled_from("'=+-@a\t,\"")), min_size=2, max_size=2), min_size=1, max_size=5))
def test_a_report_that_nobody_changed_is_read_back_as_the_rows_that_it_is_of(cells):
    rows = RejectedRows()
    rows.name_columns(["email", "name"])
    for line, (email, name) in enumerate(cells, 2):
        rows.add(row(line, "", f"{email}@", name))
    read = CsvRows([gzip.decompress(rows.packed())], where="report.csv")
    assert read.header.own == ("email", "name")
    again = list(read.rows())
    assert [one.cells for one in again if isinstance(one, Rejected)] == [(f"{email}@", name) for email, name in cells]


@given(st.text(st.sampled_from("'=+-@＝＋a\t\r\n ")))
def test_a_safe_cell_gives_back_what_it_was_made_of(text):
    assert without_mark(safe_cell(text)) == text
    assert not safe_cell(text).startswith(FORMULA)


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
