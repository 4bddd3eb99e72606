"""What a cell's text becomes in a column of each type, and the code of what can't be read without guessing."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.contract import FORM, PATIENT, SESSION
from outcomes.sources import fingerprint, values
from outcomes.sources.times import Custom

COLUMNS = {**PATIENT.readable, **SESSION.readable, **FORM.readable}
D = Decimal


def one(column: str, text: str, custom: Custom | None = None) -> tuple[object, list[str], dict[str, int]]:
    """Value, codes and notes of a single cell."""
    typed = values.read(pl.DataFrame({column: [text]}, schema={column: pl.String}), COLUMNS, custom or Custom())
    notes = {code: count for (code, _), count in typed.notes.items()}
    return typed.frame[column].to_list()[0], typed.faults["code"].to_list(), notes


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("dose_mg", "40", D(40)),
        ("dose_mg", "40.5", D("40.5")),
        ("dose_mg", "-.5", D("-0.5")),
        ("dose_mg", "1e3", D(1000)),
        ("dose_mg", "1E-05", D("0.00001")),
        ("dose_mg", " 7 ", D(7)),
        ("hr_peak_bpm", "72", 72),
        ("hr_peak_bpm", "72.0", 72),
        ("hr_peak_bpm", "+72", 72),
        ("prior_psychotherapy", "Yes", True),
        ("prior_psychotherapy", "0", False),
        ("patient_id", "0012", "0012"),
        ("patient_id", "12e5", "12e5"),
        ("patient_id", "1.0", "1.0"),
        ("site_id", "Mile High", "Mile High"),
        ("kind", "Medicine", "medicine"),
        ("status", "No  Show", "no_show"),
        ("modality", "CBT + emdr;cbt", ["cbt", "emdr"]),
        ("enrolled_on", "2026-04-03", dt.date(2026, 4, 3)),
        ("enrolled_on", "2026-04-03 00:00:00", dt.date(2026, 4, 3)),
        ("enrolled_on", "2026/4/3", dt.date(2026, 4, 3)),
    ],
)
def test_a_text_with_one_meaning_is_read(column: str, text: str, value: object) -> None:
    assert one(column, text) == (value, [], {})


@pytest.mark.parametrize("text", ["", " ", "NA", "n/a", ".", "NULL", "None", "-", "Missing", "\u00a0", "\u200b"])
@pytest.mark.parametrize("column", ["dose_mg", "hr_peak_bpm", "site_id", "enrolled_on", "answered_at", "prior_psychotherapy", "modality"])
def test_texts_that_mean_empty_are_null_everywhere(column: str, text: str) -> None:
    value, codes, _ = one(column, text)
    assert (value, codes) == (None, [])


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("dose_mg", "forty", "R01"),
        ("dose_mg", "1_000", "R01"),
        ("dose_mg", "0x10", "R01"),
        ("dose_mg", "1.2.3", "R01"),
        ("dose_mg", "1,5", "R09"),
        ("dose_mg", "1,000", "R09"),
        ("dose_mg", "NaN", "R10"),
        ("dose_mg", "-inf", "R10"),
        ("dose_mg", "４0", "R11"),
        ("dose_mg", "٣", "R11"),
        ("dose_mg", "9" * 13, "R03"),
        ("dose_mg", "1e400", "R03"),
        ("hr_peak_bpm", "72.5", "R02"),
        ("hr_peak_bpm", "9" * 12, "R03"),
        ("hr_peak_bpm", "１2", "R11"),
        ("hr_peak_bpm", "nan", "R10"),
        ("prior_psychotherapy", "maybe", "R08"),
        ("enrolled_on", "03/04/2026", "R05"),
        ("enrolled_on", "25.12.2026", "R05"),
        ("enrolled_on", "45678", "R06"),
        ("enrolled_on", "45678.5", "R06"),
        ("enrolled_on", "2026-02-30", "R04"),
        ("enrolled_on", "26-04-03", "R04"),
        ("enrolled_on", "0026-04-03", "R04"),
        ("enrolled_on", "April 3, 2026", "R04"),
        ("enrolled_on", "２026-04-03", "R04"),
        ("answered_at", "2026-04-03T25:00:00", "R04"),
        ("answered_at", "2026-04-03T10", "R04"),
        ("answered_at", "2026-04-03T10:00:00 Denver", "R04"),
    ],
)
def test_a_text_that_would_have_to_be_guessed_costs_its_row(column: str, text: str, code: str) -> None:
    assert one(column, text)[:2] == (None, [code])


def test_what_a_source_says_of_itself_is_believed() -> None:
    assert one("dose_mg", "1,5", Custom(decimal_comma=True))[0] == D("1.5")
    assert one("enrolled_on", "03/04/2026", Custom(day_first=True))[0] == dt.date(2026, 4, 3)
    assert one("enrolled_on", "03/04/2026", Custom(day_first=False))[0] == dt.date(2026, 3, 4)
    assert one("enrolled_on", "13/04/2026", Custom(day_first=False))[1] == ["R04"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.2345675", "1.234568"), ("1.2345665", "1.234566"), ("-0.0000005", "0.000000"), ("0.00000051", "0.000001")],
    ids=["tie to even, up", "tie to even, down", "tie to zero", "beyond a tie"],
)
def test_decimals_are_exact_to_six_digits_and_rounding_is_noted(text: str, value: str) -> None:
    assert one("dose_mg", text) == (D(value), [], {"N03": 1})


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [("patient_id", "a\u200bb", "ab"), ("patient_id", "a\u00a0b", "ab"), ("patient_id", "\ufeffab", "ab"), ("site_id", "a\u00a0b", "a b")],
)
def test_invisible_characters_are_taken_out_and_noted(column: str, text: str, value: str) -> None:
    assert one(column, text) == (value, [], {"N01": 1})


def test_letters_beyond_ascii_stay() -> None:
    assert one("site_id", "Zürich 東") == ("Zürich 東", [], {})


@given(st.integers(-(10**17), 10**17))
def test_every_decimal_comes_through_unchanged(millionths: int) -> None:
    number = D(millionths).scaleb(-6)
    assert one("dose_mg", f"{number:f}")[0] == number


@given(st.lists(st.tuples(st.text(max_size=40), st.integers(-(2**31), 2**31 - 1)), max_size=8, unique=True))
def test_different_rows_have_different_fingerprints_wherever_they_stand(rows: list[tuple[str, int]]) -> None:
    frame = pl.DataFrame(rows, schema={"text": pl.String, "number": pl.Int32}, orient="row")
    alone = [fingerprint.of_rows(frame[place : place + 1]).item() for place in range(len(rows))]
    assert fingerprint.of_rows(frame).to_list() == alone
    assert len(set(alone)) == len(rows)


def test_fingerprints_are_the_same_for_ever() -> None:
    frame = pl.DataFrame({"t": ["", "p0000001", "längere Kennung"], "n": [0, -1, 7], "d": [D("1.5"), None, D(0)]})
    typed = frame.with_columns(pl.col("d").cast(pl.Decimal(18, 6)))
    assert fingerprint.of_rows(typed).to_list() == PINNED


PINNED = [5934447441592861997, 2584784891091936060, 2381958857883799207]
