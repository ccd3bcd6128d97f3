"""CSV files in other encodings: read where there is no doubt, refused by name or with the likely encoding elsewhere."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ses_ops.audience.csv.reader import CsvRows, Row
from ses_ops.cli.hints import with_hint
from ses_ops.errors import BadCsv, InvalidInput
from tests.sizes import examples

JAPANESE = "email,name,city\nann@a.example,山田花子,東京\nben@a.example,佐藤ベン,大阪\n"
KOREAN = "email,name,city\nann@a.example,김민준,서울\nben@a.example,이서연,부산\n"
CHINESE = "email,name,city\nann@a.example,王小明,北京\nben@a.example,李小红,上海\n"
GERMAN = "email,name,city\nann@a.example,Jürgen Müller,Köln\nben@a.example,Käthe Groß,Düsseldorf\n"
RUSSIAN = "email,name,city\nann@a.example,Иван Петров,Москва\nben@a.example,Мария Иванова,Новосибирск\n"
BLOCKS = (1, 3, 50, 100_000)


def read(data: bytes, *, block: int = 100_000, **options):
    rows = CsvRows((data[at : at + block] for at in range(0, len(data), block)), where="f.csv", **options)
    return rows.header, list(rows.rows())


def values(data: bytes, **options):
    rows = read(data, **options)[1]
    assert all(isinstance(row, Row) for row in rows), rows
    return [row.values for row in rows]


def cells(text: str):
    return [line.split(",")[1:] for line in text.splitlines()[1:]]


def refusal(data: bytes, **options) -> str:
    with pytest.raises(InvalidInput) as caught:
        read(data, **options)
    return with_hint(caught.value)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *[(JAPANESE, name) for name in ("iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_ext", "utf-8-sig")],
        *[(KOREAN, name) for name in ("iso2022_kr", "iso2022_jp_2")],
        *[(GERMAN, name) for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")],
        *[(CHINESE, name) for name in ("utf-16", "utf-16-le", "utf-32-be")],
    ],
)
def test_an_encoding_that_leaves_no_doubt_is_read(text, encoding, block):
    assert values(text.encode(encoding), block=block) == cells(text)


@pytest.mark.parametrize("block", [7, 100_000])
def test_escape_sequences_behind_thousands_of_plain_rows_are_read_too(block):
    plain = "".join(f"p{n}@a.example,Ann,Oslo\n" for n in range(5_000))
    text = JAPANESE.replace("ann@", plain + "ann@")
    assert values(text.encode("iso2022_jp"), block=block) == cells(text)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (CHINESE.encode("hz"), "HZ"),
        (GERMAN.encode("utf-7"), "UTF-7"),
        (GERMAN.encode("utf-7").replace(b"+AEA-", b"@"), "UTF-7"),
        (JAPANESE.encode("utf-7").replace(b"+AEA-", b"@"), "UTF-7"),
        (b"email,name\nann@a.example,\x1b$)A\x0e0!0!\x0f\n", "ISO-2022-CN"),
    ],
)
def test_an_encoding_that_looks_like_ascii_is_refused_by_its_name(data, name):
    for block in BLOCKS:
        assert f"f.csv: is written in {name}" in refusal(data, block=block)


@pytest.mark.parametrize(
    "cell",
    [
        "+81-3-1234-5678",
        "+4930123456-7",
        "A+B",
        "C++",
        "a+b-c",
        "~{x}~",
        "~{~}",
        "1+1=2",
        "+",
        "+-",
        "\x1b[31mred\x1b[0m",
        "+abc",
    ],
)
def test_ascii_with_plus_signs_tildes_and_colours_is_ascii(cell):
    data = f"email,name\nann+abc-x@a.example,{cell}\n".encode()
    assert values(data) == [[cell]]


def test_what_was_refused_by_name_is_read_when_it_is_asked_for():
    assert values(CHINESE.encode("hz"), encoding="hz") == cells(CHINESE)
    assert values(GERMAN.encode("utf-7"), encoding="UTF-7") == cells(GERMAN)
    assert values(b"email,name\na@b.example,X+APw-Y\n", encoding="utf-8") == [["X+APw-Y"]]


@pytest.mark.parametrize(
    ("text", "encoding", "proposed"),
    [
        (GERMAN, "latin-1", "cp1252"),
        (GERMAN, "cp1252", "cp1252"),
        (RUSSIAN, "cp1251", "cp1251"),
        (JAPANESE, "shift_jis", "cp932"),
        (JAPANESE, "euc_jp", "euc_jp"),
        (CHINESE, "gbk", "gb18030"),
        (KOREAN, "euc_kr", "cp949"),
    ],
)
def test_another_encoding_is_refused_as_a_whole_with_what_it_reads_like(text, encoding, proposed):
    data = text.encode(encoding)
    for block in BLOCKS:
        with pytest.raises(BadCsv) as caught:
            read(data, block=block)
        facts = caught.value.facts
        assert (facts["encoding"], facts["line"]) == (proposed, 2)
        assert facts["shown"] == text.splitlines()[1]
    assert values(data, encoding=proposed) == values(data, encoding=encoding) == cells(text)


def test_one_row_that_is_no_utf_8_in_a_file_that_is_costs_itself_only():
    rows = read("email,name\na@b.example,Zoë\n".encode() + b"b@b.example,Zo\xeb\nc@b.example,C\n")[1]
    assert [getattr(row, "kind", None) for row in rows] == [None, "not UTF-8", None]


def test_bytes_that_the_chosen_encoding_does_not_have_refuse_the_whole_file():
    assert "is not cp932, or it is damaged: near line 4" in refusal(
        JAPANESE.encode("cp932") + b"c@a.example,\x81 ,x\n", encoding="shift_jis"
    )
    assert "is not utf-16" in refusal(GERMAN.encode("utf-16")[:-1])
    for name in ("klingon", "rot13", "idna", "hex", "undefined", "a\0b"):
        assert "is not an encoding" in refusal(b"email\na@b.example\n", encoding=name)


@settings(max_examples=examples(200))
@given(
    st.lists(
        st.sampled_from(
            [b"\xe9", "é".encode(), b"\x1b", b"$B", b"(B", b"~{", b"~}", b"+", b"-", b"abc", b"@", b",", b"\n", b"\x1a"]
        ),
        max_size=30,
    ).map(b"".join),
    st.integers(1, 9),
)
def test_what_is_found_out_does_not_depend_on_the_blocks(body, block):
    def outcome(size: int):
        try:
            return read(b"email,name\n" + body, block=size)
        except InvalidInput as problem:
            return str(problem)

    assert outcome(block) == outcome(100_000)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("end", [b"\x1a", b"\r\n\x1a", b"\x1a\x1a\x1a", b"\x1a\r\n", b"\n\x1a" + b"\0" * 50])
@pytest.mark.parametrize("marks", [b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf" * 2])
def test_marks_at_the_beginning_and_the_end_of_a_file_are_no_part_of_it(marks, end, block):
    header, rows = read(marks + b"email,name\na@b.example,A\nb@b.example,B\x1aC" + end, block=block)
    assert header.columns == ("email", "name")
    assert [row.values for row in rows] == [["A"], ["B\x1aC"]]


def workbook(entry: str, content: str = "") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(entry, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (gzip.compress(b"email\na@b.example\n", mtime=0), "is compressed (gzip); unpack it first: gunzip FILE"),
        (workbook("customers.csv"), "is compressed (zip)"),
        (workbook("[Content_Types].xml"), "is a workbook"),
        (workbook("xl/workbook.xml"), "is a workbook"),
        (workbook("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), "is a workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "is a workbook"),
        (b"BZh91AY", "is compressed (bzip2)"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "is compressed (7-Zip)"),
        (b"%PDF-1.7\n%\xe2\xe3", "another format (PDF)"),
        (b"\xef\xbb\xbf<html><table><tr><td>email</td>", "another format (HTML)"),
        (b"<!DOCTYPE html>\n<html>", "another format (HTML)"),
        (b"<?xml version='1.0'?>", "another format (XML)"),
        (b'[{"email": "a@b.example"}]', "another format (JSON)"),
        (b"{\\rtf1\\ansi email", "another format (RTF)"),
        (b"BEGIN:VCARD\nEMAIL:a@b.example\n", "another format (vCard)"),
        (b"\x89PNG\r\n\x1a\n", "another format (picture)"),
    ],
)
def test_a_file_that_is_no_csv_is_named(data, words):
    for block in (1, 100_000):
        assert words in refusal(data, block=block)


@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"', "\ufeffsep=;", "sep=;\r"])
def test_the_line_that_names_the_delimiter_is_no_header(line):
    data = f"{line}\nemail;name\na@b.example;A,B\n".encode()
    for delimiter in (None, ";"):
        header, rows = read(data, delimiter=delimiter)
        assert header.columns == ("email", "name")
        assert [(row.line, row.values) for row in rows] == [(3, ["A,B"])]
    assert "add --delimiter ';'" in refusal(data, delimiter=",")


@pytest.mark.parametrize(
    ("head", "columns"),
    [
        ("email,pre\u0301nom", ("email", "prénom")),
        ("Ｅｍａｉｌ,ｎａｍｅ", ("Email", "name")),
        ("\u00a0email\u00a0,\u3000name ", ("email", "name")),
        ('"email","name"', ("email", "name")),
        ("email\u200b,\u200ename\ufeff", ("email", "name")),
        ("email,ﾃﾞｰﾀ", ("email", "データ")),
    ],
)
def test_names_of_columns_are_as_a_template_knows_them(head, columns):
    assert read(f"{head}\na@b.example,A\n".encode())[0].columns == columns


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("email,name,ｎａｍｅ", "one variable to a template: 'name' (column 2), 'ｎａｍｅ' (column 3)"),
        ("email,prénom,pre\u0301nom", "one variable to a template: 'prénom' (column 2)"),
        ("email,ｅｍａｉｌ,name", "'email' (column 1), 'ｅｍａｉｌ' (column 2)"),
        ("email,name,name", "the header names name more than once"),
        ("email，name", "the header has a full-width '，' in it; write ',' between the columns"),
        ("email；name", "the header has a full-width '；' in it; write ';' between"),
        ("email,name，city", "a full-width '，'"),
        ("email、name", "a full-width '、'"),
        ("email,ｕｎｓｕｂｓｃｒｉｂｅ_url", "ses-ops fills it in itself"),
    ],
)
def test_a_header_that_a_template_would_read_otherwise_is_named(head, words):
    assert words in refusal(f"{head}\na@b.example,A,B\n".encode())


def test_a_thousand_columns_are_read_and_more_are_refused_at_once():
    head = ",".join(["email", *(f"c{n}" for n in range(999))])
    assert len(read(f"{head}\n".encode())[0].columns) == 1_000
    assert "has 1,001 columns; at most 1,000 are taken" in refusal(f"{head},x\n".encode())
