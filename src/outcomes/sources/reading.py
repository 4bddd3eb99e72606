"""`expectations/reading.json` in; out what reading cells may find (codes and sentences) and which texts mean empty, yes or no."""

import json
from functools import cache
from typing import Any, Final

import polars as pl

from outcomes import places
from outcomes.sources.verdicts import Refused, Verdict, file_verdicts

FAULTS: Final = pl.Schema({"row": pl.UInt32(), "code": pl.String(), "column": pl.String()})
"""Cells that cost their row: position in the frame that was read, code, and our name of the column."""


@cache
def _data() -> dict[str, Any]:
    text = (places.folder("expectations") / "reading.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


@cache
def verdicts() -> dict[str, Verdict]:
    """Every code of `reading.json` and `file.json`."""
    return {**file_verdicts(), **{entry["code"]: Verdict(**entry) for entry in _data()["verdicts"]}}


def refused(code: str, *columns: str) -> Refused:
    """The error that refuses a file, its sentence naming columns of the contract."""
    return Refused(code, verdicts()[code].message.replace("{columns}", ", ".join(columns)))


@cache
def missing_texts() -> tuple[str, ...]:
    """Lower-case texts that mean an empty cell in every column."""
    return tuple(_data()["missing_texts"])


@cache
def missing_numbers() -> tuple[int, ...]:
    """Numbers that mean an empty cell where they lie outside the range of a measurement, total or answer."""
    return tuple(sorted(_data()["missing_numbers"]))


@cache
def yes_no() -> dict[str, bool]:
    return {**dict.fromkeys(_data()["yes"], True), **dict.fromkeys(_data()["no"], False)}


@cache
def lower_case() -> frozenset[str]:
    """Columns whose texts are codes: written in lower case with `_` for blanks, however an export writes them."""
    return frozenset(_data()["lower_case"])


def other_names(table: str) -> dict[str, str]:
    """Column names that are accepted beside those of the contract."""
    return dict(_data()["other_names"].get(table, {}))


@cache
def ranges(table: str) -> dict[str, tuple[float, float]]:
    """Lowest and highest value of the columns that the table's rules bound on both sides by numbers."""
    suite = json.loads((places.folder("expectations") / f"{table}.json").read_text(encoding="utf-8"))
    found: dict[str, tuple[float, float]] = {}
    for rule in suite["expectations"]:
        kwargs = rule["kwargs"]
        bounds = (kwargs.get("min_value"), kwargs.get("max_value"))
        about_rows = rule["meta"].get("about") != "file" and rule["type"] == "expect_column_values_to_be_between"
        if about_rows and all(isinstance(bound, int | float) for bound in bounds) and rule["meta"]["severity"] == "row":
            found[kwargs["column"]] = bounds
    return found
