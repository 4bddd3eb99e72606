"""Clean export tables in; the same tables with planted dirt out, and how many rows of the file carry each kind.

Dirt is extra rows, so what is true of the clean rows stays true. Answers that could be scored in part belong to people whom
screening excluded; what must not be scored at all is put where it would change a figure: into the window of courses that were not
measured in it.
"""

import datetime as dt

import numpy as np
import polars as pl

from outcomes.clinic import draw, population
from outcomes.clinic.exports import STAMP, long
from outcomes.clinic.plan import EPOCH, Measure
from outcomes.clinic.year import Year

Dirty = tuple[pl.DataFrame, dict[str, int]]
_UNREADABLE = ("2025-02-30T10:00:00", "last Tuesday", "2025-13-01T09:00:00", "31/12")


def patients(year: Year, clean: pl.DataFrame) -> Dirty:
    rng = draw.stream(year.seed, 201)
    counts = year.plan.dirt["patients"]
    blank = _some(clean, counts["blank_id"], rng).with_columns(patient_id=pl.lit(None, pl.String))
    return _together(clean, {"duplicate": _some(clean, counts["duplicate"], rng), "blank_id": blank})


def sessions(year: Year, clean: pl.DataFrame) -> Dirty:
    """The sessions of unknown patients are talks, so that they begin no course."""
    rng = draw.stream(year.seed, 202)
    counts = year.plan.dirt["sessions"]
    talks = _some(clean.filter(kind="integration"), counts["unknown_patient"], rng)
    unknown = talks.with_columns(
        patient_id=pl.Series([population.pseudonym(year.seed, -1 - i) for i in range(talks.height)], dtype=pl.String),
        session_id=pl.Series([f"S9{i:06d}" for i in range(talks.height)], dtype=pl.String),
    )
    blank = _some(clean, counts["blank_id"], rng).with_columns(session_id=pl.lit(None, pl.String))
    return _together(clean, {"duplicate": _some(clean, counts["duplicate"], rng), "unknown_patient": unknown, "blank_id": blank})


def adverse_events(year: Year, clean: pl.DataFrame) -> Dirty:
    rng = draw.stream(year.seed, 203)
    counts = year.plan.dirt["adverse_events"]
    blank = _some(clean, counts["blank_id"], rng).with_columns(event_id=pl.lit(None, pl.String))
    return _together(clean, {"duplicate": _some(clean, counts["duplicate"], rng), "blank_id": blank})


def phq9(year: Year, forms: pl.DataFrame, corrected: pl.Series) -> Dirty:
    """The long export of PHQ-9: forms that are corrected later are in it with every answer turned round."""
    rng = draw.stream(year.seed, 204)
    measure, counts = year.plan.measures["phq9"], year.plan.dirt["phq9"]
    items = [f"item_{item + 1}" for item in range(measure.items)]
    is_corrected = pl.col("form_id").is_in(corrected.implode())
    early = forms.with_columns(pl.when(is_corrected).then(measure.answer_max - pl.col(name)).otherwise(name).alias(name) for name in items)
    text = long(_as_text(early, items))
    whole = forms.filter(~is_corrected).drop_nulls(items)
    odd = _of_bystanders(year, _some(whole, counts["out_of_range"], rng), measure, 1, rng).with_columns(item_3=pl.lit(7))
    codes = _of_unmeasured(year, _some(whole, counts["missing_code"], rng), measure, 2, rng).with_columns(
        pl.lit(-9).alias(n) for n in items
    )
    undated = _of_unmeasured(year, _some(whole, counts["unreadable_date"], rng), measure, 3, rng)
    nobody = _renamed(_some(whole, counts["blank_id"], rng), measure, 4).with_columns(patient_id=pl.lit(None, pl.String))
    extra = {
        "duplicate": long(_as_text(_some(whole, counts["duplicate"], rng), items)),
        "out_of_range": long(_as_text(odd, items)),
        "missing_code": long(_as_text(codes, items)),
        "unreadable_date": _undated(long(_as_text(undated, items)), measure.items),
        "blank_id": long(_as_text(nobody, items)),
    }
    dirty, rows = _together(text, extra)
    return dirty, rows | {"out_of_range": odd.height}


def gad7(year: Year, forms: pl.DataFrame) -> Dirty:
    """The wide export of GAD-7, one line per form with its total."""
    rng = draw.stream(year.seed, 205)
    measure, counts = year.plan.measures["gad7"], year.plan.dirt["gad7"]
    items = [f"item_{item + 1}" for item in range(measure.items)]
    complete = pl.all_horizontal(pl.col(items).is_not_null())
    forms = forms.with_columns(total=pl.when(complete).then(pl.col("raw")))
    whole = forms.filter(complete)
    wrong = pl.when(pl.col("total") > measure.top - 3).then(pl.col("total") - 3).otherwise(pl.col("total") + 3)
    contradicting = _of_bystanders(year, _some(whole, counts["contradicting_total"], rng), measure, 1, rng).with_columns(total=wrong)
    coded = _of_unmeasured(year, _some(whole, counts["missing_code"], rng), measure, 2, rng)
    coded = coded.with_columns(pl.lit(999, pl.Int64).alias(name) for name in (*items, "total"))
    undated = _of_unmeasured(year, _some(whole, counts["unreadable_date"], rng), measure, 3, rng)
    extra = {"contradicting_total": contradicting, "missing_code": coded, "unreadable_date": undated}
    every = [*items, "total"]
    texts = {kind: _as_text(rows, every) for kind, rows in extra.items()}
    texts["unreadable_date"] = _undated(texts["unreadable_date"], 1)
    dirty, rows = _together(_as_text(forms, every), texts)
    names = {name: name.replace("item", "gad7") for name in items} | {"total": "gad7_total"}
    return dirty.select("form_id", "patient_id", "site_id", "answered_at", *every).rename(names), rows


def pcl5(year: Year, forms: pl.DataFrame) -> Dirty:
    """The wide export of PCL-5, numbers and times as Excel holds them."""
    rng = draw.stream(year.seed, 206)
    measure, counts = year.plan.measures["pcl5"], year.plan.dirt["pcl5"]
    items = [f"item_{item + 1}" for item in range(measure.items)]
    whole = forms.drop_nulls(items)
    odd = _of_bystanders(year, _some(whole, counts["out_of_range"], rng), measure, 1, rng).with_columns(item_20=pl.lit(8, pl.Int64))
    dirty, rows = _together(forms, {"duplicate": _some(whole, counts["duplicate"], rng), "out_of_range": odd})
    names = {name: name.replace("item", "pcl5") for name in items}
    return dirty.select("form_id", "patient_id", "site_id", "answered_at", *items).rename(names), rows


def totals(year: Year, clean: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The totals of all months and, by month and kind, how many rows carry dirt."""
    rng = draw.stream(year.seed, 207)
    counts = year.plan.dirt["totals"]
    coded = _of_unmeasured(year, _some(clean, counts["missing_code"], rng), None, 0, rng)
    coded = coded.with_columns(
        total=pl.Series([(-9.0, 999.0)[i % 2] for i in range(coded.height)], dtype=pl.Float64),
        month=pl.col("answered_at").dt.month_end().dt.date(),
    )
    undated = _of_unmeasured(year, _some(clean, counts["unreadable_date"], rng), None, 0, rng)
    extra = {
        "duplicate": _some(clean, counts["duplicate"], rng),
        "unknown_instrument": _some(clean, counts["unknown_instrument"], rng).with_columns(instrument_id=pl.lit("Spirit-12")),
        "missing_code": coded,
        "unreadable_date": undated.with_columns(month=pl.col("answered_at").dt.month_end().dt.date()),
    }
    texts = {kind: rows.with_columns(pl.col("answered_at").dt.strftime(STAMP)) for kind, rows in extra.items()}
    texts["unreadable_date"] = _undated(texts["unreadable_date"], 1)
    every = pl.concat([clean.with_columns(pl.col("answered_at").dt.strftime(STAMP)), *texts.values()])
    kinds = pl.concat([rows.select("month", kind=pl.lit(kind)) for kind, rows in texts.items()])
    return every, kinds.group_by("month", "kind").len("rows").sort("month", "kind")


def corrected(year: Year, forms: pl.DataFrame) -> pl.Series:
    """Identifiers of the PHQ-9 forms that the main export holds wrongly: of the window, where PHQ-9 is the primary measure."""
    rng = draw.stream(year.seed, 208)
    primary = [(o.programme, i) for o in year.plan.outcomes if o.primary and "phq9" in o.measures for i in o.indications]
    of_primary = pl.any_horizontal((pl.col("programme_id") == programme) & (pl.col("indication") == i) for programme, i in primary)
    return _some(forms.filter(of_primary & pl.col("is_picked")), year.plan.corrected_forms, rng)["form_id"]


def stale(year: Year, clean: pl.DataFrame) -> pl.DataFrame:
    """The patients as an export before knew them: fewer, and what was looked up later is still missing or was entered differently."""
    earlier = clean.filter(pl.col("screened_on") < year.plan.stale_on)
    late = pl.int_range(pl.len()) % 5 == 0
    sites = list(year.plan.shares["sites"])
    return earlier.with_columns(
        enrolled_on=pl.when(pl.col("enrolled_on") < year.plan.stale_on).then("enrolled_on"),
        failed_antidepressants=pl.lit(None, pl.Int32),
        site_id=pl.when(late).then(pl.lit(sites[-1])).otherwise("site_id"),
        occupation=pl.when(late).then(pl.lit("other")).otherwise("occupation"),
    )


def _some(rows: pl.DataFrame, n: int, rng: np.random.Generator) -> pl.DataFrame:
    """As many different rows as there are, up to n, in the order of the table."""
    return rows[np.sort(np.argsort(rng.random(rows.height), kind="stable")[:n])]


def _together(clean: pl.DataFrame, extra: dict[str, pl.DataFrame]) -> Dirty:
    return pl.concat([clean, *(rows.select(clean.columns) for rows in extra.values())], how="vertical_relaxed"), {
        kind: rows.height for kind, rows in extra.items()
    }


def _as_text(forms: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    return forms.with_columns(pl.col("answered_at").dt.strftime(STAMP), pl.col(columns).cast(pl.String))


def _undated(rows: pl.DataFrame, each: int) -> pl.DataFrame:
    """An unreadable time in every row, the same for the rows of one form."""
    texts = [_UNREADABLE[place // each % len(_UNREADABLE)] for place in range(rows.height)]
    return rows.with_columns(answered_at=pl.Series(texts, dtype=pl.String))


def _renamed(rows: pl.DataFrame, measure: Measure | None, part: int) -> pl.DataFrame:
    if measure is None:
        return rows
    return rows.with_columns(form_id=pl.Series([f"{measure.id.upper()}-X{part}{i:04d}" for i in range(rows.height)], dtype=pl.String))


def _of_bystanders(year: Year, rows: pl.DataFrame, measure: Measure, part: int, rng: np.random.Generator) -> pl.DataFrame:
    """The rows as if people had filled them in whom screening excluded."""
    people = _some(year.people.filter(screen_result="excluded"), rows.height, rng)
    return _renamed(rows.head(people.height), measure, part).with_columns(people["patient_id"])


def _of_unmeasured(year: Year, rows: pl.DataFrame, measure: Measure | None, part: int, rng: np.random.Generator) -> pl.DataFrame:
    """The rows as if they had been filled in within the window, by courses with a baseline that are not measured in it."""
    known = pl.concat([year.courses, year.visits], how="horizontal").filter(
        (pl.col("pick") == "") & pl.col("is_due") & pl.col("baseline_here")
    )
    courses = _some(known, rows.height, rng)
    noon = dt.datetime.combine(EPOCH, dt.time(12))
    days = pl.lit(noon) + pl.duration(days=pl.lit(courses["day_0"] + year.plan.window_target))
    return _renamed(rows.head(courses.height), measure, part).with_columns(courses["patient_id"], answered_at=days.cast(pl.Datetime("us")))
