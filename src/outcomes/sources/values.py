"""Columns of text in, columns of the contract's types out, with every cell that was there and could not be read.

Nothing is guessed: a text either has one meaning or costs its row. Fast casts come first; what they leave is looked at one distinct text at
a time. No fault quotes a cell.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

import polars as pl

from outcomes.contract import DATE, INSTANT, SCORE, SET, TEXT, YES_NO, Column
from outcomes.sources import reading
from outcomes.sources.times import Custom, dates, instants

__all__ = ["Custom", "Typed", "blank_to_null", "read", "whole"]

INVISIBLE: Final = "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]"
ODD_BLANKS: Final = "[\u00a0\u2000-\u200a\u202f\u205f\u3000]"
IDENTIFIERS: Final = frozenset({"patient_id", "session_id", "form_id", "event_id"})
LARGEST: Final = Decimal(10) ** 12
_PLACES: Final = Decimal("0.000001")
_PLAIN: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_THOUSANDS: Final = r"^[+-]?[0-9]{1,3}(\.[0-9]{3})+$"
_POWER_OF_TEN: Final = r"^[0-9]\.[0-9]+[eE]\+[0-9]+$"
_COMMA: Final = re.compile(r"[+-]?\d*,\d+", re.ASCII)
_NOT_FINITE: Final = frozenset({"nan", "inf", "infinity"})

Codes = pl.Series | None


@dataclass
class Typed:
    """`frame`: the same rows with typed columns, a bad cell null; `faults`: reading.FAULTS; `notes`: how often, by (code, column)."""

    frame: pl.DataFrame
    faults: pl.DataFrame
    notes: Counter[tuple[str, str]] = field(default_factory=Counter)


def read(texts: pl.DataFrame, columns: Mapping[str, Column], custom: Custom) -> Typed:
    """Every column of `texts` that `columns` names, typed; others pass. An instant `x_at` also gives the date `x_on` at the site."""
    notes: Counter[tuple[str, str]] = Counter()
    typed, faults = [], []
    for series in texts.get_columns():
        column = columns.get(series.name)
        if column is None:
            typed.append(series)
            continue
        series, odd = blank_to_null(series)
        notes["N01", column.name] += odd
        made, codes = _by_type(series, column, custom, notes)
        typed += made
        if codes is not None and codes.null_count() < codes.len():
            bad = codes.is_not_null().arg_true()
            faults.append(pl.DataFrame({"row": bad.cast(pl.UInt32), "code": codes.gather(bad)}).with_columns(column=pl.lit(column.name)))
    found = pl.concat([reading.FAULTS.to_frame(), *faults])
    return Typed(pl.DataFrame(typed), found, +notes)


def _by_type(series: pl.Series, column: Column, custom: Custom, notes: Counter[tuple[str, str]]) -> tuple[list[pl.Series], Codes]:
    if column.type == INSTANT:
        at, on, codes, earlier = instants(series, custom)
        notes["N04", column.name] += earlier
        return [at, on.alias(column.name.removesuffix("_at") + "_on")], codes
    if column.type == DATE:
        on, codes = dates(series, custom)
        return [on], codes
    if column.type == YES_NO:
        return _each([series], _yes_no)
    if column.type == SCORE:
        made, codes, rounded = _score(series, custom)
        notes["N03", column.name] += rounded
        return [made], codes
    if column.name in IDENTIFIERS:
        return [series], _powers_of_ten(series)
    if column.type in (TEXT, SET):
        made = _code(series) if column.name in reading.lower_case() else series
        if column.type == SET:
            made = made.str.replace_all(r"[\s_]*[+;|,][\s_]*", "+").str.strip_chars("+").str.split("+").list.unique().list.sort()
        return [made], None
    made, codes = whole(series, column.type, custom.decimal_comma)
    return [made], codes


def _powers_of_ten(series: pl.Series) -> Codes:
    """R12 for identifiers such as 1.23457E+12, which a spreadsheet makes of many different ones; 12e5 is nobody's doing."""
    if not series.str.contains("+", literal=True).any():
        return None
    return pl.select(pl.when(series.str.contains(_POWER_OF_TEN)).then(pl.lit("R12"))).to_series().alias("code")


def blank_to_null(series: pl.Series) -> tuple[pl.Series, int]:
    """Trimmed texts without invisible characters, null where the text means empty; and how many had such characters."""
    found = 0
    foreign = series.str.len_bytes() != series.str.len_chars()
    if foreign.any():
        blank = "" if series.name in IDENTIFIERS else " "
        cleaned = series.str.replace_all(INVISIBLE, "").str.replace_all(ODD_BLANKS, blank)
        found = int((cleaned != series).sum())
        series = cleaned
    series = series.str.strip_chars()
    longest = max(map(len, reading.missing_texts()))
    short = (series.str.len_bytes() <= longest).arg_true()
    empty = short.filter(series.gather(short).str.to_lowercase().is_in(reading.missing_texts()))
    return (series.scatter(empty, None) if empty.len() else series), found


def whole(series: pl.Series, kind: pl.DataType, decimal_comma: bool = False) -> tuple[pl.Series, Codes]:
    """Whole numbers; `2.0` is 2. Codes R01, R02, R03, R09, R10, R11, R18."""
    fast = series.cast(kind, strict=False)
    if fast.null_count() == series.null_count():
        return fast, None

    def one(text: str) -> int | str:
        number = _number(text, decimal_comma)
        if isinstance(number, str):
            return number
        if number != int(number):
            return "R02"
        low, high = (pl.select(bound).item() for bound in (kind.min(), kind.max()))  # type: ignore[attr-defined]
        return int(number) if low <= number <= high else "R03"

    return _rest(series, fast, one)


def _score(series: pl.Series, custom: Custom) -> tuple[pl.Series, Codes, int]:
    fast = series.cast(SCORE, strict=False)
    long = series.str.contains(rf"\.[0-9]{{7}}|[eE]{'|' + _THOUSANDS if custom.decimal_comma else ''}").fill_null(False)
    if long.any():
        fast = pl.select(pl.when(long).then(None).otherwise(fast)).to_series().alias(series.name)
    if fast.null_count() == series.null_count():
        return fast, None, 0
    rounded: set[str] = set()

    def one(text: str) -> Decimal | str:
        number = _number(text, custom.decimal_comma)
        if isinstance(number, str):
            return number
        if abs(number) >= LARGEST:
            return "R03"
        exact = number.quantize(_PLACES, ROUND_HALF_EVEN)
        if exact != number:
            rounded.add(text)
        return exact

    made, codes = _rest(series, fast, one)
    return made, codes, int(series.is_in(sorted(rounded)).sum()) if rounded else 0


def _number(text: str, decimal_comma: bool) -> Decimal | str:
    """The number that a text is, or the code that says why it is none."""
    if decimal_comma and re.match(_THOUSANDS, text):
        return "R18"
    if decimal_comma and _COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if _PLAIN.fullmatch(text):
        try:
            number = Decimal(text)
        except InvalidOperation:
            return "R03"
        return number if abs(number) < Decimal(10) ** 30 else "R03"
    if text.lstrip("+-").lower() in _NOT_FINITE:
        return "R10"
    if any(sign.isdigit() and not sign.isascii() for sign in text):
        return "R11"
    return "R09" if _COMMA.fullmatch(text) else "R01"


def _yes_no(text: str) -> bool | str:
    return reading.yes_no().get(text.lower(), "R08")


def _code(series: pl.Series) -> pl.Series:
    distinct = series.unique().drop_nulls()
    made = distinct.str.to_lowercase().str.replace_all(r"\s+", "_")
    return series if made.equals(distinct) else series.replace_strict(distinct, made, default=None, return_dtype=pl.String())


def _each(columns: list[pl.Series], one: Callable[[str], bool | str]) -> tuple[list[pl.Series], Codes]:
    (series,) = columns
    made, codes = _rest(series, pl.Series(series.name, [None], dtype=YES_NO).new_from_index(0, series.len()), one)
    return [made], codes


def _rest(series: pl.Series, fast: pl.Series, one: Callable[[str], object]) -> tuple[pl.Series, Codes]:
    """`fast` with the texts that it left read by `one`, each distinct text once; and the codes of those that `one` gives a code for."""
    left = (fast.is_null() & series.is_not_null()).arg_true()
    if not left.len():
        return fast, None
    texts = series.gather(left)
    distinct = texts.unique().to_list()
    answers = {text: one(text) for text in distinct}
    values = [None if isinstance(answers[text], str) else answers[text] for text in distinct]
    codes = [answer if isinstance(answer := answers[text], str) else None for text in distinct]
    key = pl.DataFrame({"text": distinct, "value": pl.Series(values, dtype=fast.dtype), "code": pl.Series(codes, dtype=pl.String())})
    found = texts.to_frame("text").join(key, on="text", how="left", maintain_order="left")
    made = _filled(fast, left, found["value"])
    return made, _filled(pl.Series("code", [None], dtype=pl.String()).new_from_index(0, series.len()), left, found["code"])


def _filled(series: pl.Series, rows: pl.Series, values: pl.Series) -> pl.Series:
    """`series` with `values` at `rows`."""
    base = series.to_frame("value").with_row_index("row")
    return base.update(pl.DataFrame({"row": rows.cast(base.schema["row"]), "value": values}), on="row")["value"].alias(series.name)
