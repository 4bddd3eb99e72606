"""Published tables in, `outcomes.xlsx` out: a cover that says how to read it, the definitions, and a sheet per table that a person opens.

The same tables give the same bytes. A hidden number is the word `hidden`, a missing one an empty cell, and a zero is a zero. No text is
ever a formula, a link or a number.
"""

import csv
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from outcomes import places

if TYPE_CHECKING:
    from xlsxwriter.format import Format  # type: ignore[import-untyped]
    from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

NAME: Final = "outcomes.xlsx"
COVER: Final = "Cover"
HIDDEN: Final = "hidden"
SHARE: Final = "share"
TEXT_CHARS: Final = 32_767
SHEET_CHARS: Final = 31
WIDEST, NARROWEST, SAMPLE = 48, 9, 200
UNDATED: Final = dt.date(1980, 1, 1)
PLAIN: Final[Mapping[str, bool | str]] = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": True,
}
READING: Final = (
    ("hidden", "The group is too small to be shown by itself. This is not zero, and nothing can be worked out from it."),
    ("0", "A true zero: it was looked for, and there was none."),
    ("empty", "Missing: nobody was measured, or the column does not apply to the row."),
    ("(pooled)", "Groups too small to be shown by themselves, counted together."),
    ("coverage", "How many of those who could have been measured were. A rate says nothing about the others."),
    ("groups", "Observational: groups differ in more than what they are named after."),
)


@dataclass(frozen=True)
class Release:
    """What the cover says of the release as a whole."""

    clinic: str
    as_of: dt.date | None
    profile_id: str
    window_id: str
    hides: str


@dataclass(frozen=True)
class Sheet:
    """One published table and the rows of it that stand in the workbook: all, some, or none (`rows` is None), and why."""

    table: str
    rows: pl.DataFrame | None
    of: int
    because: str


def write(path: Path, tables: Mapping[str, pl.DataFrame], dictionary: pl.DataFrame, release: Release, sheet_rows: int) -> None:
    """The workbook at `path`; no sheet has more than `sheet_rows` rows of figures."""
    from xlsxwriter import Workbook  # type: ignore[import-untyped]

    sheets = [chosen(name, tables[name], because, release, sheet_rows) for name, because in in_order(tables)]
    created = dt.datetime.combine(release.as_of or UNDATED, dt.time(), dt.UTC).replace(tzinfo=None)
    meanings = _meanings(dictionary)
    with Workbook(str(path), {**PLAIN, "tmpdir": str(path.parent)}) as book:
        book.set_properties({"title": f"{release.clinic}: outcomes", "created": created, "comments": "Summary figures only."})
        formats = {
            "head": book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}),
            "title": book.add_format({"bold": True, "font_size": 16}),
            "bold": book.add_format({"bold": True, "valign": "top"}),
            "wrap": book.add_format({"text_wrap": True, "valign": "top"}),
            "hidden": book.add_format({"italic": True, "font_color": "#6b6b6b", "align": "right"}),
            "share": book.add_format({"num_format": "0.0%"}),
            "date": book.add_format({"num_format": "yyyy-mm-dd", "align": "left"}),
        }
        _cover(book.add_worksheet(COVER), formats, release, sheets, meanings)
        for sheet in sheets:
            if sheet.rows is not None:
                _fill(book.add_worksheet(sheet.table[:SHEET_CHARS]), formats, sheet.table, sheet.rows, meanings)


def in_order(tables: Mapping[str, pl.DataFrame]) -> list[tuple[str, str]]:
    """The tables as `sql/ref/sheet.csv` places them, the others behind, by name; and why one is to be left out, empty if not."""
    with (places.folder("sql") / "ref" / "sheet.csv").open(encoding="utf-8", newline="") as file:
        said = {row["table_name"]: row for row in csv.DictReader(file)}
    place = {name: int(row["ordinal"] or len(said)) for name, row in said.items()}
    names = sorted(tables, key=lambda name: (place.get(name, len(said)), name))
    return [(name, said[name]["left_out_because"] if name in said else "") for name in names]


def chosen(table: str, frame: pl.DataFrame, left_out_because: str, release: Release, sheet_rows: int) -> Sheet:
    """The rows that stand in the workbook: all if they are few enough, else those of the headline's profile and window, else of these
    only what is shown, else only the totals.
    """
    if left_out_because:
        return Sheet(table, None, frame.height, f"not here: {left_out_because}")
    rows, narrowed = frame, []
    ways = {
        "profile_id": (release.profile_id, f"profile_id {release.profile_id}"),
        "window_id": (release.window_id, f"window_id {release.window_id}"),
        "is_suppressed": (False, "what is not hidden"),
        "breakdown": ("all", "breakdown all"),
    }
    for column, (value, said) in ways.items():
        if rows.height > sheet_rows and column in rows.columns:
            rows = rows.filter(pl.col(column) == value)
            narrowed.append(said)
    if rows.height > sheet_rows:
        return Sheet(table, None, frame.height, "not here: too long for a sheet")
    return Sheet(table, rows, frame.height, f"only {', '.join(narrowed)}" if narrowed else "all")


def _meanings(dictionary: pl.DataFrame) -> dict[tuple[str, str], tuple[str, str]]:
    """Meaning and unit by table and column; a table's own under an empty column."""
    rows = dictionary.select("table_name", "column_name", "meaning", "unit").rows()
    return {(table, column or ""): (meaning or "", unit or "") for table, column, meaning, unit in rows}


Meanings = Mapping[tuple[str, str], tuple[str, str]]


def _cover(sheet: "Worksheet", formats: Mapping[str, "Format"], release: Release, sheets: Sequence[Sheet], meanings: Meanings) -> None:
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 90)
    sheet.set_column(2, 4, 22)
    sheet.hide_gridlines(2)
    for place, line in enumerate(_cover_lines(release, sheets, meanings)):
        style = "title" if place == 0 else "bold"
        sheet.write_string(place, 0, line[0][:TEXT_CHARS], formats[style])
        for column, text in enumerate(line[1:], start=1):
            sheet.write_string(place, column, text[:TEXT_CHARS], formats["bold" if line[0] == "Table" else "wrap"])


def _cover_lines(release: Release, sheets: Sequence[Sheet], meanings: Meanings) -> Iterator[tuple[str, ...]]:
    yield (f"{release.clinic}: outcomes",)
    yield ("",)
    yield "Figures as of", release.as_of.isoformat() if release.as_of else ""
    yield "Thresholds", f"profile {release.profile_id}; the sheet definition has every metric in a sentence, with its source"
    yield "Headline window", release.window_id
    yield "Small numbers", release.hides
    yield ("",)
    yield ("How to read a cell",)
    yield from READING
    yield ("",)
    shown = sum(sheet.rows is not None for sheet in sheets)
    yield f"{len(sheets)} tables", f"{shown} of them have a sheet here; all rows of all tables stand in csv/ and parquet/ beside this file."
    yield "Table", "One row is", "Rows here", "Rows in all", "Which"
    for sheet in sheets:
        here = "none" if sheet.rows is None else str(sheet.rows.height)
        yield sheet.table, meanings.get((sheet.table, ""), ("", ""))[0], here, str(sheet.of), sheet.because


def _fill(sheet: "Worksheet", formats: Mapping[str, "Format"], table: str, rows: pl.DataFrame, meanings: Meanings) -> None:
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, rows.height, max(rows.width - 1, 0))
    styles: list[Format | None] = []
    for place, (name, type_) in enumerate(rows.schema.items()):
        is_share = meanings.get((table, name), ("", ""))[1].startswith(SHARE)
        styles.append(formats["share"] if is_share else formats["date"] if type_ == pl.Date else None)
        sheet.set_column(place, place, _width(name, rows[name]), styles[-1])
        sheet.write_string(0, place, name, formats["head"])
    numbers = {place for place, type_ in enumerate(rows.dtypes) if type_.is_numeric()}
    hides = rows.columns.index("is_suppressed") if "is_suppressed" in rows.columns else None
    puts = [_put(sheet, type_) for type_ in rows.dtypes]
    for line, row in enumerate(rows.iter_rows(), start=1):
        is_hidden = hides is not None and row[hides]
        for place, value in enumerate(row):
            if value is not None:
                puts[place](line, place, value, styles[place])
            elif is_hidden and place in numbers:
                sheet.write_string(line, place, HIDDEN, formats["hidden"])


def _put(sheet: "Worksheet", type_: pl.DataType) -> Callable[[int, int, Any, "Format | None"], object]:
    """How a value of a column of this type is written: line, place, value and style in."""
    put: Callable[[int, int, Any, Format | None], object] = sheet.write_number
    if type_ == pl.String:
        return lambda line, place, value, style: sheet.write_string(line, place, value[:TEXT_CHARS], style)
    if type_ == pl.Date:
        return lambda line, place, value, style: sheet.write_datetime(line, place, dt.datetime.combine(value, dt.time()), style)
    if type_ == pl.Boolean:
        put = sheet.write_boolean
    return put


def _width(name: str, column: pl.Series) -> int:
    """Characters that show the name and most of the first cells."""
    longest = max((len(text) for text in column.head(SAMPLE) if isinstance(text, str)), default=0)
    return min(max(len(name) + 3, longest + 1, NARROWEST), WIDEST)
