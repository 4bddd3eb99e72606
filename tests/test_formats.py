"""What is published beside the database: a workbook that a person can read, and a data package that a program can."""

import datetime as dt
import json
import zipfile
from pathlib import Path

import fastexcel
import polars as pl
import pytest

from outcomes import datapackage, workbook
from outcomes.workbook import Release, Sheet, chosen

RELEASE = Release("Höhe & <Tal>", dt.date(2026, 2, 1), "ketamine-rwe", "d30", "Counts of 1 to 10 are hidden")
RATES = pl.DataFrame(
    {
        "level": ["all", "north", "south", "(pooled)"],
        "numerator": [0, None, None, 12],
        "rate": [0.0, None, None, 0.5],
        "seen_on": [dt.date(2026, 1, 2)] * 4,
        "is_suppressed": [False, True, False, False],
    }
)
DICTIONARY = pl.DataFrame(
    [
        ("table", "rates", None, 0, None, None, "The rates.", "sql/report/rates.sql"),
        ("column", "rates", "level", 1, "varchar", None, "Group.", "sql/report/rates.sql"),
        ("column", "rates", "numerator", 2, "bigint", "courses", "Who met it.", "sql/report/rates.sql"),
        ("column", "rates", "rate", 3, "double", "share, 0 to 1", "Share.", "sql/report/rates.sql"),
        ("column", "rates", "seen_on", 4, "date", "date", "Day.", "sql/report/rates.sql"),
        ("column", "rates", "is_suppressed", 5, "boolean", None, "Hidden.", "sql/report/rates.sql"),
    ],
    schema=["kind", "table_name", "column_name", "ordinal", "type", "unit", "meaning", "source"],
    orient="row",
)
HOSTILE = [
    pytest.param("=1+1", id="equals"),
    pytest.param("+1", id="plus"),
    pytest.param("-1", id="minus"),
    pytest.param("@SUM(A1)", id="at"),
    pytest.param("\tx", id="tab"),
    pytest.param("\nx", id="line feed"),
    pytest.param("{=1+1}", id="array formula"),
    pytest.param("https://example.org/?q=1", id="link"),
    pytest.param("internal:Cover!A1", id="inner link"),
    pytest.param("0012", id="leading zeros"),
    pytest.param("1e5", id="like a number"),
    pytest.param("</t><f>1+1</f>", id="markup"),
    pytest.param("Ünïcödé 🙂", id="unicode"),
]


def written(folder: Path, tables: dict[str, pl.DataFrame], sheet_rows: int = 100) -> Path:
    path = folder / workbook.NAME
    workbook.write(path, tables, DICTIONARY, RELEASE, sheet_rows)
    return path


def sheet(path: Path, name: str) -> pl.DataFrame:
    """The cells as text, with neither header nor empty rows taken away."""
    return fastexcel.read_excel(path).load_sheet(name, header_row=None, dtypes="string").to_polars()


def test_a_value_a_true_zero_what_is_hidden_and_what_is_missing_are_told_apart(tmp_path: Path) -> None:
    cells = sheet(written(tmp_path, {"rates": RATES}), "rates")
    assert cells.row(0) == ("level", "numerator", "rate", "seen_on", "is_suppressed")
    assert [row[:3] for row in cells.rows()[1:]] == [
        ("all", "0", "0"),
        ("north", "hidden", "hidden"),
        ("south", None, None),
        ("(pooled)", "12", "0.5"),
    ]


def test_the_cover_says_whose_figures_of_when_and_how_to_read_them(tmp_path: Path) -> None:
    long = pl.DataFrame({"n": range(101)})
    rows = sheet(written(tmp_path, {"rates": RATES, "long": long, "survival": RATES}), "Cover").rows()
    said = {row[0]: row[1:] for row in rows if row[0]}
    assert rows[0][0] == "Höhe & <Tal>: outcomes"
    assert said["Figures as of"][0] == "2026-02-01"
    assert said["Thresholds"][0].startswith("profile ketamine-rwe")
    assert said["Small numbers"][0] == "Counts of 1 to 10 are hidden"
    assert "not zero" in said["hidden"][0]
    assert {"0", "empty"} <= said.keys()
    assert said["3 tables"][0].startswith("1 of them")
    assert said["rates"] == ("The rates.", "4", "4", "all")
    assert said["long"][1:] == ("none", "101", "not here: too long for a sheet")
    assert said["survival"][1] == "none"


@pytest.mark.parametrize("text", HOSTILE)
def test_text_stays_text(text: str, tmp_path: Path) -> None:
    path = written(tmp_path, {"rates": pl.DataFrame({"level": [text]})})
    assert sheet(path, "rates").row(1) == (text,)
    with zipfile.ZipFile(path) as file:
        everything = b"".join(file.read(name) for name in file.namelist() if "sheet" in name)
    assert b"<f" not in everything.replace(b"<font", b"")
    assert b"hyperlink" not in everything


def test_a_text_that_no_cell_holds_is_cut_and_one_that_no_page_holds_is_kept_legible(tmp_path: Path) -> None:
    path = written(tmp_path, {"rates": pl.DataFrame({"level": ["a" * 40_000, "x\x00y\x01z"]})})
    _, (cut,), (kept,) = sheet(path, "rates").rows()
    assert len(cut) == 32_767
    assert (kept[0], kept[-1]) == ("x", "z")


def test_the_same_release_gives_the_same_bytes(tmp_path: Path) -> None:
    first = written(tmp_path, {"rates": RATES}).read_bytes()
    assert written(tmp_path, {"rates": RATES}).read_bytes() == first
    with zipfile.ZipFile(tmp_path / workbook.NAME) as file:
        assert b"2026-02-01T00:00:00Z" in file.read("docProps/core.xml")
        assert {info.date_time[0] for info in file.infolist()} == {1980}
    assert sorted(path.name for path in tmp_path.iterdir()) == [workbook.NAME]


LONG = pl.DataFrame(
    [(profile, window, breakdown) for profile in ("ketamine-rwe", "nhs-tt") for window in ("d7", "d30") for breakdown in ("all", "site")],
    schema=["profile_id", "window_id", "breakdown"],
    orient="row",
)


@pytest.mark.parametrize(
    ("limit", "rows", "because"),
    [
        pytest.param(8, 8, "all", id="all"),
        pytest.param(7, 4, "only profile_id ketamine-rwe", id="the headline's profile"),
        pytest.param(3, 2, "only profile_id ketamine-rwe, window_id d30", id="and window"),
        pytest.param(1, 1, "only profile_id ketamine-rwe, window_id d30, breakdown all", id="and the total"),
    ],
)
def test_a_table_that_is_too_long_is_narrowed_to_the_headline(limit: int, rows: int, because: str) -> None:
    found = chosen("rates", LONG, "", RELEASE, limit)
    assert found.rows is not None
    assert (found.rows.height, found.of, found.because) == (rows, 8, because)


def test_a_table_that_is_still_too_long_is_left_out() -> None:
    assert chosen("rates", pl.DataFrame({"n": [1, 2]}), "", RELEASE, 1) == Sheet("rates", None, 2, "not here: too long for a sheet")


def test_the_data_package_describes_every_file_and_column() -> None:
    package = datapackage.package(DICTIONARY, {"rates": (123, "abc", 4)}, RELEASE, 1)
    assert json.loads(json.dumps(package)) == package
    assert (package["profile"], package["version"], package["created"]) == ("tabular-data-package", "1", "2026-02-01T00:00:00Z")
    assert "not zero" in package["description"]
    (resource,) = package["resources"]
    assert (resource["path"], resource["bytes"], resource["hash"], resource["rows"]) == ("csv/rates.csv", 123, "sha256:abc", 4)
    assert resource["schema"] == {
        "fields": [
            {"name": "level", "type": "string", "description": "Group."},
            {"name": "numerator", "type": "integer", "description": "Who met it.", "unit": "courses"},
            {"name": "rate", "type": "number", "description": "Share.", "unit": "share, 0 to 1"},
            {"name": "seen_on", "type": "date", "description": "Day.", "unit": "date"},
            {"name": "is_suppressed", "type": "boolean", "description": "Hidden."},
        ],
        "missingValues": [""],
    }
