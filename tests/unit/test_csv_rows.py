"""Reading recipients from CSV: what is taken, what is left out, and what each mistake is called."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ses_ops.domain.csv_rows import MAX_ROW, CsvRows, Rejected, Row
from ses_ops.errors import InvalidInput


def read(data: bytes, *, block: int = 7, **options):
    blocks = (data[at : at + block] for at in range(0, len(data), block))
    rows = CsvRows(blocks, where="f.csv", **options)
    return rows.header, list(rows.rows())


def refusal(data: bytes, **options) -> str:
    with pytest.raises(InvalidInput) as caught:
        read(data, **options)
    return str(caught.value)


def test_rows_carry_their_line_and_the_values_in_header_order():
    header, rows = read(
        b'name,email,city\nAnn,Ann@EXAMPLE.com,Oslo\n\nBen,ben@example.com,"New\nYork"\nC,c@d.example,X\n'
    )
    assert header.variables == ("name", "city")
    assert rows == [
        Row(2, "Ann@example.com", "ann@example.com", ["Ann", "Oslo"]),
        Row(4, "ben@example.com", "ben@example.com", ["Ben", "New\nYork"]),
        Row(6, "c@d.example", "c@d.example", ["C", "X"]),
    ]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_every_line_end_and_a_byte_order_mark_are_understood(end, mark):
    header, rows = read(mark + end.join([b"email,name", b"a@b.example,A", b"c@d.example,C"]))
    assert header.columns == ("email", "name")
    assert [row.line for row in rows] == [2, 3]


def test_separators_that_only_unicode_knows_do_not_end_a_line():
    _, rows = read("email,name\na@b.example,A\u2028B\x0bC\x85D\n".encode())
    assert rows[0].values == ["A\u2028B\x0bC\x85D"]


def test_a_row_that_cannot_be_used_is_rejected_alone_with_its_line_and_reason():
    _, rows = read(b"email,name\nno-address,A\na@b.example\na@b.example,A,B\na@b.example,A\n")
    assert [type(row) for row in rows] == [Rejected, Rejected, Rejected, Row]
    assert [(row.line, row.kind) for row in rows[:3]] == [
        (2, "bad address"),
        (3, "wrong number of fields"),
        (4, "wrong number of fields"),
    ]
    assert "no @" in rows[0].reason
    assert rows[1].reason == "1 field where the header has 2"
    assert rows[2].text == "a@b.example,A,B"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "f.csv: the file is empty"),
        (b"\n\n", "f.csv: the file is empty"),
        (b"email;name\na@b.example;A\n", "f.csv: line 1: the header is one column with ';' in it"),
        (b"email\tname\na@b.example\tA\n", "--delimiter tab"),
        (b"a@b.example,Ann\nc@d.example,Ben\n", "there is no header: the first row holds the address 'a@b.example'"),
        (b"email,name,name\n", "the header names name more than once"),
        (b"email,name,\n", "the header's column 3 has no name"),
        (b"email,first name\n", "line 1: the header's column 'first name' cannot be a variable"),
        (b"email,unsubscribe_url\n", "ses-ops fills it in itself"),
        (b"contact,name\n", "name the address column with --address-column"),
        (b"email,address\n", "email, address could each hold the address"),
        (
            "email,name\na@b.example,Jos\u00e9\n".encode("latin-1"),
            "f.csv: line 2: is not UTF-8: byte 0xE9 at offset 26",
        ),
        (b"email,name\na@b.example,A\nc@d.example,\0\n", "f.csv: line 3: there is a NUL byte at offset 37"),
        ("email,name\na@b.example,A\n".encode("utf-16"), "is UTF-16"),
        ("email,name\na@b.example,A\n".encode("utf-16-le"), "is UTF-16"),
        (b'email,name\na@b.example,"A\nc@d.example,C\n', "f.csv: line 2: the quotation marks of this row do not match"),
        (b'email,name\na@b.example,"A" x\n', "f.csv: line 2: the quotation marks of this row do not match"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_place_and_what_to_do(data, words):
    assert words in refusal(data, block=4096)


def test_the_offset_of_a_wrong_byte_is_right_across_blocks():
    data = b"email,name\n" + b"a@b.example,A\n" * 100 + b"a@b.example,\xe9\n"
    assert f"line 102: is not UTF-8: byte 0xE9 at offset {len(data) - 2}" in refusal(data, block=11)


@pytest.mark.parametrize("filling", [b"x", b"x\n", b'"",\n'])
def test_a_row_of_ten_megabytes_is_refused_without_being_read_to_its_end(filling):
    taken = 0

    def blocks():
        nonlocal taken
        yield b'email,name\na@b.example,A\na@b.example,"'
        for _ in range(100):
            taken += 1
            yield filling * (100_000 // len(filling))

    with pytest.raises(InvalidInput, match=r"f\.csv: line 3: (a row is longer|the quotation marks)"):
        list(CsvRows(blocks(), where="f.csv").rows())
    assert taken * 100_000 <= MAX_ROW + 400_000


def test_many_short_rows_in_one_block_are_not_taken_for_a_long_one():
    data = b"email,name\n" + b"a@b.example,A\n" * 200_000
    _, rows = read(data, block=2_000_000)
    assert len(rows) == 200_000


def test_an_address_column_can_be_named():
    header, rows = read(b"contact,email\na@b.example,x\n", address_column="contact")
    assert header.variables == ("email",)
    assert rows[0].values == ["x"]
    assert "has no column 'nix'" in refusal(b"contact,email\n", address_column="nix")


_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(_TEXT, _TEXT), max_size=8), st.integers(1, 40), st.sampled_from(["\n", "\r\n"]))
def test_whatever_a_csv_writer_writes_is_read_back_unchanged_in_blocks_of_any_size(values, block, end):
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["a", "email", "b"])
    for one, two in values:
        writer.writerow([one, "a@b.example", two])
    _, rows = read(file.getvalue().encode(), block=block)
    assert [tuple(row.values) for row in rows] == values
