"""Reading recipients from CSV: what is taken, what is left out, and what each mistake is called."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ses_ops.audience.csv.lines
import ses_ops.audience.csv.reader
from ses_ops.audience.csv.reader import MAX_ROW, CsvRows, Rejected, Row
from ses_ops.cli.hints import with_hint
from ses_ops.errors import InvalidInput
from tests.sizes import examples, size


def read(data: bytes, *, block: int = 7, **options):
    blocks = (data[at : at + block] for at in range(0, len(data), block))
    rows = CsvRows(blocks, where="f.csv", **options)
    return rows.header, list(rows.rows())


def refusal(data: bytes, **options) -> str:
    with pytest.raises(InvalidInput) as caught:
        read(data, **options)
    return with_hint(caught.value)


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
        (
            b"email," + b"x," * 40_000,
            "line 1: the header has 40,002 columns; at most 1,000",
        ),
        (b"email,unsubscribe_url\n", "ses-ops fills it in itself"),
        (b"contact,name\n", "name the address column with --address-column"),
        (b"email,address\n", "email, address could each hold the address"),
        ("email,pr\u00e9nom\na@b.example,A\n".encode("latin-1"), "f.csv: is not UTF-8 (line 1, byte 0xE9); as cp1252"),
        (b"email,pr\xe9nom\na@b.example,\xc3\xa9\xc3\xa9\n", "f.csv: line 1: is not UTF-8: byte 0xE9; save"),
        (b"email,na\0me\na@b.example,A\n", "f.csv: line 1: there is a NUL byte"),
        (b'email,"name\na@b.example,C\n', "f.csv: line 1: the quotation marks of this row do not match"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_place_and_what_to_do(data, words):
    assert words in refusal(data, block=4096)


@pytest.mark.parametrize("block", [1, 7, 50, 4096])
@pytest.mark.parametrize(
    ("bad", "lines", "kind", "words"),
    [
        (
            "b@b.example,Jos\u00e9\n".encode("latin-1"),
            1,
            "not UTF-8",
            "is not UTF-8: byte 0xE9; save the file as UTF-8",
        ),
        (b"b@b.example,\xed\xa0\x80\n", 1, "not UTF-8", "byte 0xED"),
        (b"b@b.example,B\0B\n", 1, "NUL byte", "there is a NUL byte in this row"),
        (b'b@b.example,"B" x\n', 1, "quotation marks", "the quotation marks of this row do not match"),
        (b'b@b.example,"B\n', 1, "quotation marks", "the quotation marks of this row do not match"),
        (b"b@b.example,B\rx@x.example,X\n", 1, "stray line break", "a carriage return (CR) in the middle"),
        (
            b'b@b.example,"B\r\nC",D\r\n',
            2,
            "wrong number of fields",
            "3 fields where the header has 2 (the row goes on",
        ),
    ],
)
def test_a_row_that_cannot_be_read_costs_no_other_row(bad, lines, kind, words, block):
    data = (
        'email,name\na@b.example,"Ä\n1"\n'.encode()
        + bad
        + 'c@b.example,Ç\nd@b.example,"D\n1"\n'.encode()
        + bad
        + b"e@b.example,E\n"
    )
    _, rows = read(data, block=block)
    good = [(row.line, row.key, row.values) for row in rows if isinstance(row, Row)]
    assert good == [
        (2, "a@b.example", ["Ä\n1"]),
        (4 + lines, "c@b.example", ["Ç"]),
        (5 + lines, "d@b.example", ["D\n1"]),
        (7 + 2 * lines, "e@b.example", ["E"]),
    ]
    rejected = [row for row in rows if isinstance(row, Rejected)]
    assert [(row.line, row.kind) for row in rejected] == [(4, kind), (7 + lines, kind)]
    assert all(words in row.reason for row in rejected)
    assert not any("\0" in row.text for row in rejected)
    assert all(row.text.encode().decode().startswith("b@b.example,") for row in rejected)


def test_a_quote_that_is_never_closed_at_the_end_of_the_file_costs_its_own_row():
    _, rows = read(b'email,name\na@b.example,A\nb@b.example,"B\nc@b.example,C\nd@b.example,D')
    assert [(type(row), row.line) for row in rows] == [(Row, 2), (Rejected, 3), (Row, 4), (Row, 5)]


#: Bytes of the longest row, and of a block. What goes on in many short lines is rejected line by line, a second and
#: more for each of those files, so that in `make test` a tenth of both says the same of them.
_TENTH = size(MAX_ROW, MAX_ROW // 10)


@pytest.mark.parametrize(
    ("filling", "most"), [(b"x", MAX_ROW), (b"x\n", _TENTH), (b'"",\n', _TENTH), (b'""\n', _TENTH)]
)
@pytest.mark.parametrize("end", [b"\n", b"\r"])
def test_a_row_of_more_than_a_megabyte_is_rejected_and_never_held_whole(monkeypatch, filling, most, end):
    for module in (ses_ops.audience.csv.lines, ses_ops.audience.csv.reader):
        monkeypatch.setattr(module, "MAX_ROW", most)
    block, taken = most // 10, 0

    def blocks():
        nonlocal taken
        yield b'email,name\na@b.example,A\na@b.example,"'.replace(b"\n", end)
        for _ in range(14):
            taken += 1
            yield filling.replace(b"\n", end) * (block // len(filling))
        yield b"\nb@b.example,B\n".replace(b"\n", end)

    good = []
    for row in CsvRows(blocks(), where="f.csv").rows():
        if isinstance(row, Row):
            good.append((row.key, row.values))
        elif row.line == 3:
            assert row.kind in ("too long", "quotation marks")
            assert taken * block <= most + 4 * block
    assert good == [("a@b.example", ["A"]), ("b@b.example", ["B"])]


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


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(st.tuples(_TEXT, _TEXT), max_size=8), st.integers(1, 40), st.sampled_from(["\n", "\r\n"]))
def test_whatever_a_csv_writer_writes_is_read_back_unchanged_in_blocks_of_any_size(values, block, end):
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["a", "email", "b"])
    for one, two in values:
        writer.writerow([one, "a@b.example", two])
    _, rows = read(file.getvalue().encode(), block=block)
    assert [tuple(row.values) for row in rows] == values


@settings(max_examples=examples(300))
@given(
    st.lists(
        st.sampled_from([b"a@b.example", b"\xc3\xa9", b"\xe9", b"\0", b",", b'"', b'""', b"\n", b"\r\n", b"\r", b"xx"]),
        max_size=40,
    ).map(b"".join),
    st.integers(1, 20),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
def test_what_is_read_and_what_is_rejected_does_not_depend_on_the_blocks(body, block, end):
    data = b"email,name" + end + body
    _, rows = read(data, block=block, encoding="utf-8")
    assert rows == read(data, block=10_000, encoding="utf-8")[1]
    assert [row.line for row in rows] == sorted({row.line for row in rows})
