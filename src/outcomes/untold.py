"""Units of a form export in; out, of each, whether the export tells how its answers or its total are coded.

A total that must tell its coding (the raw sum of the WHO-5, or that sum times 4) and does not is judged by its whole file, never by its
row alone: one above what a raw sum can reach tells for itself; one below is taken where some total of the file lies above and all of
them are such as whole answers give.
"""

from typing import Final

import polars as pl

from outcomes.parts import Parts

FACTS: Final = ("answers_told", "total_told", "total_fits")
_KEYS: Final = ("instrument_id", "scale_id")
_TOTAL: Final = pl.col("reported_total")


def with_facts(units: pl.DataFrame, parts: Parts) -> pl.DataFrame:
    """The units with FACTS, true or null: null in `answers_told` and `total_told` where the coding must be told and is not, in
    `total_fits` where whole answers can't give the total. Totals beside answers are not asked: the answers are believed."""
    asked = parts.facts.untold.rename({"questionnaire_id": "instrument_id", "answers": "is_of_answers"})
    if not units["instrument_id"].is_in(asked["instrument_id"].implode()).any():
        return units.with_columns(pl.lit(True).alias(name) for name in FACTS)
    units = units.join(asked, on="instrument_id", how="left", maintain_order="left")
    units = units.join(_of_file(parts, asked), on=_KEYS, how="left", maintain_order="left")
    answered = pl.col("answers") > 0
    total_asked = (~pl.col("is_of_answers") & ~answered & _TOTAL.is_not_null()).fill_null(False)
    answers_told = ~(pl.col("is_of_answers") & answered).fill_null(False) | pl.col("is_told")
    total_told = ~total_asked | pl.col("is_told") | (pl.col("beyond") < _TOTAL) | (pl.col("is_any_beyond") & pl.col("do_all_fit"))
    total_fits = ~total_asked | (_TOTAL % pl.col("step") == 0)
    told = dict(zip(FACTS, (answers_told, total_told, total_fits), strict=True))
    units = units.with_columns(pl.when(is_so).then(True).alias(name) for name, is_so in told.items())
    return units.drop("is_told", "is_of_answers", "step", "beyond", "is_any_beyond", "do_all_fit")


def _of_file(parts: Parts, asked: pl.DataFrame) -> pl.DataFrame:
    """Per questionnaire and scale: is any total of the file above what a raw sum can reach, and can whole answers give all of them?"""
    rows = pl.scan_ipc(parts.units).select(*_KEYS, "reported_total", "answers").filter(pl.col("answers") == 0, _TOTAL.is_not_null())
    return (
        rows.join(asked.lazy(), on="instrument_id")
        .group_by(_KEYS)
        .agg(
            (pl.col("beyond") < _TOTAL).any().alias("is_any_beyond"),
            (_TOTAL % pl.col("step") == 0).all().alias("do_all_fit"),
        )
        .collect()
    )
