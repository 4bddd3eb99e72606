"""Excel cells come out as the text that a person sees in the sheet."""

import datetime as dt
import io
import zipfile
from pathlib import Path

import fastexcel
import pytest
import xlsxwriter
from sources.opening import Seen, seen

from outcomes.sources.excel_cells import column_of, number_text, shown_as, unescaped

moment = dt.datetime.fromisoformat


def book(*sheets: list[list[object]], hidden: int | None = None, **options: object) -> bytes:
    """A workbook; dates and times get a format that shows them."""
    out = io.BytesIO()
    workbook = xlsxwriter.Workbook(out, {"in_memory": True, **options})
    formats = {
        dt.date: workbook.add_format({"num_format": "dd/mm/yyyy"}),
        dt.datetime: workbook.add_format({"num_format": 'yyyy-mm-dd "at" hh:mm'}),
        dt.time: workbook.add_format({"num_format": "hh:mm"}),
    }
    for number, rows in enumerate(sheets):
        sheet = workbook.add_worksheet(f"sheet{number}")
        if number == hidden:
            sheet.hide()
        else:
            sheet.activate()
        for r, row in enumerate(rows):
            for c, cell in enumerate(row):
                if type(cell) in formats:
                    sheet.write_datetime(r, c, cell, formats[type(cell)])
                elif isinstance(cell, str) and cell.startswith("="):
                    formula, _, value = cell.partition(" -> ")
                    sheet.write_formula(r, c, formula, None, value)
                elif isinstance(cell, str):
                    sheet.write_string(r, c, cell)
                elif cell is not None:
                    sheet.write(r, c, cell)
    workbook.close()
    return out.getvalue()


CELLS: list[tuple[str, object, str]] = [
    ("text that looks like a number", "0012", "0012"),
    ("text that looks like a power", "12e5", "12e5"),
    ("word for missing", "n/a", "n/a"),
    ("whole number", 12.0, "12"),
    ("number below zero", -9, "-9"),
    ("fraction", 12.5, "12.5"),
    ("noise of binary fractions", 0.1 + 0.2, "0.3"),
    ("a number too long for Excel", 12345678901234567, "1.23456789012346e+16"),
    ("true", True, "true"),
    ("false", False, "false"),
    ("date", dt.date(2025, 1, 21), "2025-01-21"),
    ("date and time", moment("2025-01-21T09:30"), "2025-01-21T09:30:00"),
    ("date at midnight", moment("2025-01-21"), "2025-01-21T00:00:00"),
    ("a second before midnight", moment("2025-01-21T23:59:59"), "2025-01-21T23:59:59"),
    ("time", dt.time(9, 30), "09:30:00"),
    ("formula", "=1+2 -> 3", "3"),
    ("formula with a text", '="p"&1 -> p1', "p1"),
    ("error", "=1/0 -> #DIV/0!", "#DIV/0!"),
    ("blanks stay", " p1 ", " p1 "),
    ("control sign", "a\x01b", "a\x01b"),
    ("letters of other scripts", "日本 é", "日本 é"),
]


@pytest.mark.parametrize(("cell", "text"), [pytest.param(cell, text, id=name) for name, cell, text in CELLS])
def test_cell(cell: object, text: str, tmp_path: Path) -> None:
    assert seen(book([["id", "value"], ["p1", cell]]), tmp_path, ".xlsx").rows == [f"2: p1 | {text}"]


def test_dates_of_1904(tmp_path: Path) -> None:
    data = book([["id", "on"], ["p1", dt.date(2025, 1, 21)]], date_1904=True)

    assert seen(data, tmp_path, ".xlsx").rows == ["2: p1 | 2025-01-21"]


SHEETS = [
    ("title rows and empty rows", [[[], [None, "id", "score"], [], [None, "p1", 3]]], Seen("", ["id", "score"], ["4: p1 | 3"])),
    ("empty first sheet", [[], [["id"], ["p1"]]], Seen("", ["id"], ["2: p1"])),
    ("a second sheet with data", [[["id"], ["p1"]], [["x"]]], Seen("", ["id"], ["2: p1"], notes={"F56": 1})),
    ("header only", [[["id"]]], Seen("", ["id"], [], notes={"F51": 1})),
    ("a cell right of the header", [[["id"], ["p1", 3], ["p2"]]], Seen("", ["id"], ["3: p2"], {2: "F31"})),
    ("a cell that is too long", [[["id"], ["p" * 10_001], ["p2"]]], Seen("", ["id"], ["3: p2"], {2: "F33"})),
    (
        "a column without a name",
        [[["id", None, "score"], ["p1", "x", 3]]],
        Seen("", ["id", "", "score"], ["2: p1 | x | 3"], notes={"F59": 1}),
    ),
    ("a name twice", [[["id", "id"], ["p1", "p2"]]], Seen("F10")),
    ("no cell at all", [[], []], Seen("F01")),
]


@pytest.mark.parametrize(("sheets", "expected"), [pytest.param(sheets, expected, id=name) for name, sheets, expected in SHEETS])
def test_sheet(sheets: list[list[list[object]]], expected: Seen, tmp_path: Path) -> None:
    assert seen(book(*sheets), tmp_path, ".xlsx") == expected


def test_a_hidden_sheet_comes_last(tmp_path: Path) -> None:
    data = book([["list"], ["a"]], [["id"], ["p1"]], hidden=0)

    assert seen(data, tmp_path, ".xlsx").header == ["id"]


def test_an_independent_reader_sees_the_same(tmp_path: Path) -> None:
    rows = [[f"p{i:04}", i % 28, i / 8, i % 2 == 0, f"t{i % 7}"] for i in range(500)]
    data = book([["id", "score", "dose", "ok", "term"], *rows])

    other = fastexcel.read_excel(data).load_sheet(0, dtypes="string").to_polars()

    assert seen(data, tmp_path, ".xlsx").rows == [f"{line}: {' | '.join(row)}" for line, row in enumerate(other.rows(), start=2)]


def changed(data: bytes, part: str, old: str, new: str, **more: object) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            text = source.read(name).decode()
            target.writestr(name, text.replace(old, new) if name == part else text)
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><worksheet '
BROKEN = [
    ("an entity bomb", SHEET, "<worksheet ", ENTITIES, "F17"),
    ("a repetition bomb", SHEET, "</sheetData>", " " * 40_000_000 + "</sheetData>", "F15"),
    ("a cell outside of any sheet", SHEET, 'r="B2"', 'r="XFE2"', "F17"),
    ("a text that does not exist", SHEET, "<v>2</v>", "<v>9</v>", "F17"),
    ("a row before the one before", SHEET, '<row r="2"', '<row r="1"', "F17"),
    ("XML that ends early", SHEET, "</sheetData>", "", "F17"),
    ("a sheet that is missing", "xl/_rels/workbook.xml.rels", "sheet1.xml", "sheet9.xml", "F17"),
]


@pytest.mark.parametrize(("part", "old", "new", "code"), [pytest.param(*case, id=name) for name, *case in BROKEN])
def test_a_broken_workbook_is_refused(part: str, old: str, new: str, code: str, tmp_path: Path) -> None:
    data = changed(book([["id", "score"], ["p1", 3]]), part, old, new)

    assert seen(data, tmp_path, ".xlsx").refused == code


def test_two_far_cells_take_no_room(tmp_path: Path) -> None:
    data = changed(book([["id"], ["p1"]]), SHEET, '<row r="2"', '<row r="1048576"').replace(b"A2", b"A2")
    data = changed(data, SHEET, 'r="A2"', 'r="A1048576"')

    assert seen(data, tmp_path, ".xlsx").rows == ["1048576: p1"]


@pytest.mark.slow
def test_every_flipped_byte_of_a_workbook_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    data = book([["id", "score"], ["p1", 3], ["p2", 4.5]])
    good = seen(data, tmp_path, ".xlsx")

    for at in range(0, len(data)):
        flipped = bytearray(data)
        flipped[at] ^= 1 << (at % 8)
        found = seen(bytes(flipped), tmp_path, ".xlsx")
        assert found.refused or (found.header, found.rows) == (good.header, good.rows), at


FORMATS = [
    ("yyyy-mm-dd", "date"),
    ("mmm yy", "date"),
    ("d.m.yyyy hh:mm", "datetime"),
    ("hh:mm:ss", "time"),
    ("[h]:mm", "time"),
    ("mm:ss", "time"),
    ("General", "number"),
    ("0.00", "number"),
    ('0.0 "days"', "number"),
    ("[Red]0.0", "number"),
    ("[$-409]d mmm yyyy", "date"),
    (r"0 \d", "number"),
    ("#,##0_);(#,##0)", "number"),
]


@pytest.mark.parametrize(("code", "shown"), FORMATS)
def test_number_format(code: str, shown: str) -> None:
    assert shown_as(164, {164: code}) == shown


SERIALS = [
    ("1", "date", "1900-01-01"),
    ("59", "date", "1900-02-28"),
    ("60", "date", "60"),
    ("61", "date", "1900-03-01"),
    ("45678.999999999", "date", "2025-01-22"),
    ("45678.5", "date", "2025-01-21T12:00:00"),
    ("45678.3751", "datetime", "2025-01-21T09:00:08.640"),
    ("-1", "date", "-1"),
    ("99999999", "datetime", "99999999"),
    ("1.5", "time", "36:00:00"),
]


@pytest.mark.parametrize(("stored", "shown", "text"), SERIALS)
def test_serial(stored: str, shown: str, text: str) -> None:
    assert number_text(stored, shown, from_1904=False) == text  # type: ignore[arg-type]


def test_column_and_escapes() -> None:
    assert [column_of(cell) for cell in ("A1", "Z9", "AA10", "XFD1048576")] == [0, 25, 26, 16383]
    assert unescaped("a_x000D_b_x") == "a\rb_x"


def test_long_tables_come_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outcomes.sources.excel_file.BATCH", 10)
    data = book([["id"], *[[f"p{i}"] for i in range(25)]])

    assert seen(data, tmp_path, ".xlsx").rows == [f"{i + 2}: p{i}" for i in range(25)]
