"""Recipients from an .xlsx file: what a person sees in a cell is what its recipient reads, or the row is left out."""

from __future__ import annotations

import datetime as dt
import io
import zipfile

import openpyxl
import pytest

from ses_ops.audience.csv.faults import CsvFault
from ses_ops.audience.csv.reader import Rejected, Row
from ses_ops.audience.recipient_file import recipient_rows
from ses_ops.audience.workbook import package as workbook_package
from ses_ops.audience.workbook.cells import cell_text
from ses_ops.errors import BadCsv, ImportStopped

SHEET, TEXTS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"


def workbook(*rows, change=None) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if change:
        change(book)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def read(data: bytes, **options):
    blocks = (data[at : at + 1000] for at in range(0, len(data), 1000))
    with recipient_rows(blocks, where="f.xlsx", **options) as rows:
        return rows.header, list(rows.rows())


def fault(data: bytes, **options) -> BadCsv:
    with pytest.raises(BadCsv) as caught:
        read(data, **options)
    return caught.value


def repacked(data: bytes, part: str, content: bytes) -> bytes:
    """A workbook with another content of one part."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info, content if info.filename == part else old.read(info))
        if part not in old.namelist():
            new.writestr(part, content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def test_rows_have_the_line_of_their_sheet_and_empty_ones_are_skipped():
    header, rows = read(workbook([], ["Name", "E-Mail"], ["Jörg\nX", "Ann@B.example"], [], [None, "c@d.example", None]))
    assert (header.variables, header.address) == (("Name",), 1)
    assert rows == [
        Row(3, "Ann@b.example", "ann@b.example", ["Jörg\nX"]),
        Row(5, "c@d.example", "c@d.example", [""]),
    ]


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (5, "General", "5"),
        (491701234567, "General", "491701234567"),
        (0.1 + 0.2, "General", "0.3"),
        (1e20, "General", "100000000000000000000"),
        (1067, "00000", "01067"),
        (123456789, "000\\-00\\-0000", "123-45-6789"),
        (19.9, '#,##0.00 "€"', "19.90"),
        (19.9, "0", "20"),
        (1234.5, "[$€-407] #,##0.00;[Red]-#,##0.00", "1234.50"),
        (-3.25, "0.0", "-3.2"),
        (0.256, "0.0%", "25.6%"),
        (0.256, "0%", "26%"),
        (5, "0.##", "5"),
        (1234567, "0.00E+00", "1234567"),
        (True, "General", "TRUE"),
        (dt.datetime(2026, 11, 29), "mm-dd-yy", "2026-11-29"),
        (dt.datetime(2026, 11, 29, 14, 30), "d. mmm yyyy", "2026-11-29"),
        (dt.datetime(2026, 11, 29, 14, 29, 59, 999_700), "yyyy-mm-dd h:mm", "2026-11-29 14:30"),
        (dt.datetime(2026, 11, 29, 14, 30), "h:mm", "14:30"),
        (dt.time(9, 5), "h:mm AM/PM", "09:05"),
        (dt.timedelta(hours=30, minutes=5), "[h]:mm:ss", "30:05:00"),
        ("a_x000D_\nb", "General", "a\nb"),
        ("=1+1", "@", "=1+1"),
        (None, "General", ""),
    ],
)
def test_a_cell_reads_as_a_person_sees_it(value, number_format, text):
    assert cell_text(value, number_format) == text


def test_numbers_dates_and_postal_codes_arrive_in_the_file_as_they_are_shown():
    def change(book):
        book.active["B2"].number_format = "00000"
        book.active["C2"].number_format = "0.00"

    rows = [["email", "plz", "price", "day"], ["a@b.example", 1067, 19.9, dt.date(2026, 1, 2)]]
    assert read(workbook(*rows, change=change))[1] == [
        Row(2, "a@b.example", "a@b.example", ["01067", "19.90", "2026-01-02"])
    ]


def test_a_formula_counts_by_its_value_and_is_left_out_without_one():
    data = workbook(["email", "sum"], ["a@b.example", "=1+1"], ["c@d.example", 3])
    (bad, good) = read(data)[1]
    assert (type(bad), bad.kind, bad.line) == (Rejected, "formula without a value", 2)
    assert good == Row(3, "c@d.example", "c@d.example", ["3"])
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        sheet = package.read(SHEET)
    computed = repacked(
        data,
        SHEET,
        sheet.replace(b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>").replace(b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>"),
    )
    assert computed != data
    assert read(computed)[1][0] == Row(2, "a@b.example", "a@b.example", ["2"])


def test_an_error_in_a_cell_is_never_mailed():
    def change(book):
        book.active["B2"] = "#N/A"
        book.active["B2"].data_type = "e"

    (row,) = read(workbook(["email", "name"], ["a@b.example", "x"], change=change))[1]
    assert (row.kind, row.reason) == ("error in a cell", "column 2 holds the error #N/A")
    assert row.cells == ("a@b.example", "#N/A")


def test_rows_that_cannot_be_used_are_left_out_as_in_a_csv_file():
    rows = read(workbook(["email", "name"], ["nobody", "A"], ["a@b.example", "B", "C"], ["c@d.example"]))[1]
    assert [(row.line, getattr(row, "kind", "")) for row in rows] == [
        (2, "bad address"),
        (3, "wrong number of fields"),
        (4, ""),
    ]
    assert rows[2].values == [""]


def test_the_sheet_that_is_open_is_read_or_the_one_that_is_named():
    def change(book):
        book.create_sheet("people").append(["email", "town"])
        book["people"].append(["p@q.example", "Oslo"])
        book.create_sheet("hidden").sheet_state = "hidden"

    data = workbook(["email", "name"], ["a@b.example", "A"], change=change)
    assert read(data)[0].variables == ("name",)
    assert read(data, sheet="people")[1][0].values == ["Oslo"]
    assert fault(data, sheet="hidden").code == CsvFault.NO_SUCH_SHEET
    assert "has no sheet 'x'; it has Sheet, people" in str(fault(data, sheet="x"))


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda data: data[: len(data) // 2], CsvFault.BROKEN_WORKBOOK),
        (lambda data: repacked(data, SHEET, b"<worksheet><sheetData><row>"), CsvFault.BROKEN_WORKBOOK),
        (lambda data: repacked(data, "[Content_Types].xml", b"no xml"), CsvFault.BROKEN_WORKBOOK),
        (lambda data: repacked(data, "xl/workbook.xml", b""), CsvFault.BROKEN_WORKBOOK),
    ],
    ids=["cut", "half a sheet", "no list of parts", "no workbook"],
)
def test_a_broken_workbook_is_said_to_be_one(damage, expected):
    assert fault(damage(workbook(["email"], ["a@b.example"]))).code == expected


def test_an_empty_workbook_and_one_with_too_many_columns_are_refused():
    assert fault(workbook()).code == CsvFault.EMPTY
    assert fault(workbook(["email", *(f"c{n}" for n in range(1000))])).code == CsvFault.TOO_MANY_COLUMNS


HEAD = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
BOMBS = {
    "elements of one row": (SHEET, HEAD + b"<row>" + b"<c/>" * 4_000_000),
    "rows": (SHEET, HEAD + b"<row></row>" * 1_200_000),
    "empty rows": (SHEET, HEAD + b"<row/>" * 1_200_000),
    "rows in rows": (SHEET, HEAD + b"<row><c/>" * 1_000_000),
    "entities": (SHEET, b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + HEAD + b"&a;" * 100_000),
    "ends in comments": (SHEET, HEAD + b"<row><!--</row>-->" * 100_000),
    "texts": (TEXTS, b"<sst>" + b"<si/>" * 9_000_000),
    "styles": ("xl/styles.xml", b"<styleSheet>" + b"<xf/>" * 2_000_000),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_workbook_that_unpacks_to_too_much_is_refused_before_it_is_read(bomb, monkeypatch):
    monkeypatch.setattr(openpyxl, "load_workbook", None)
    part, content = BOMBS[bomb]
    data = repacked(workbook(["email", "name"], ["a@b.example", "A"]), part, content)
    assert len(data) < 100_000
    assert fault(data).code == CsvFault.LARGE_WORKBOOK


def test_a_picture_in_a_workbook_does_no_harm():
    picture = b"\x89PNG\r\n" + b"<!-- <a>" * 500_000
    data = repacked(workbook(["email"], ["a@b.example"]), "xl/media/image1.png", picture)
    assert len(read(data)[1]) == 1


def test_a_file_that_is_too_large_is_not_even_kept(monkeypatch):
    monkeypatch.setattr("ses_ops.audience.recipient_file.LARGEST_FILE", 10_000)
    asked = []

    def blocks():
        yield workbook(["email"], ["a@b.example"])
        while True:
            asked.append(1)
            yield b"x" * 5_000

    with pytest.raises(BadCsv, match="more than"), recipient_rows(blocks(), where="f.xlsx"):
        pass
    assert len(asked) < 5


def test_reading_a_workbook_can_be_stopped_anywhere():
    data = workbook(["email"], *([f"a{n}@b.example"] for n in range(3_000)))
    for moment in range(5):
        calls = []

        def check(moment=moment, calls=calls):
            calls.append(1)
            if len(calls) > moment:
                raise ImportStopped("stopped")

        with pytest.raises(ImportStopped):
            read(data, check=check)


def test_only_excels_own_number_of_rows_is_read():
    assert workbook_package.MOST_ROWS == 2**20
