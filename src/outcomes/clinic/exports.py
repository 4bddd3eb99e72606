"""The clean year in; the tables out as the clinic's systems would export them, still clean."""

import polars as pl

from outcomes.clinic.plan import Measure
from outcomes.clinic.treatment import DAY_MIN
from outcomes.clinic.year import Year
from outcomes.contract import ADVERSE_EVENT, PATIENT, SESSION

CLOCK = ("dissociation_onset_min", "dissociation_peak_min", "dissociation_resolved_min")
STAMP = "%Y-%m-%dT%H:%M:%S"


def patients(year: Year) -> pl.DataFrame:
    people = year.people
    return people.select([name for name in PATIENT.readable if name in people.columns])


def sessions(year: Year) -> pl.DataFrame:
    """Starts are UTC instants, as a database writes them into Parquet."""
    started = pl.col("started_at").dt.replace_time_zone(year.plan.timezone).dt.convert_time_zone("UTC")
    times = [pl.when(~_is_curve()).then(pl.col(name)).alias(name) for name in CLOCK]
    return year.sessions.with_columns(started, *times).select([name for name in SESSION.readable if name in year.sessions.columns])


def session_observations(year: Year) -> pl.DataFrame:
    """The dissociation of every tenth dose as a curve, in place of its times: it rises above 1 at the onset and is down to 1 at the end."""
    onset, peak, end = (pl.col(name).cast(pl.Int64) for name in CLOCK)
    curve = [(pl.lit(0), 0), (onset, 2), (peak, 9), (peak + (end - peak) // 2, 4), (end, 1), (end + 15, 0)]
    doses = year.sessions.filter(_is_curve() & pl.col(CLOCK[-1]).is_not_null())
    points = [
        doses.select("session_id", "patient_id", minute=minute.cast(pl.Int64), kind=pl.lit("dissociation"), value=pl.lit(value))
        for minute, value in curve
    ]
    return pl.concat(points).sort("session_id", "minute")


def _is_curve() -> pl.Expr:
    return pl.col("session_id").str.ends_with("7") & (pl.col("kind") == "medicine")


def adverse_events(year: Year) -> pl.DataFrame:
    return year.events.select([name for name in ADVERSE_EVENT.readable if name in year.events.columns])


def forms(year: Year, measure: Measure) -> pl.DataFrame:
    """One row per form: `form_id`, who, where, `instrument_id`, `answered_at` in the clinic's time, `item_1` ... as numbers."""
    items = [f"item_{item + 1}" for item in range(measure.items)]
    named = year.forms[measure.id].with_columns(answered_at=answered_at(), instrument_id=pl.lit(measure.export))
    return named.select(
        "form_id", "patient_id", "site_id", "instrument_id", "answered_at", *items, "raw", "is_picked", "programme_id", "indication"
    )


def totals(year: Year) -> pl.DataFrame:
    """One row per scale of a questionnaire that is exported as a total, without form identifiers; `month` is that of the answer."""
    measures = [measure for measure in year.plan.measures.values() if not measure.has_items]
    scores = year.scores.filter(pl.col("measure").is_in([measure.id for measure in measures]))
    rows = scores.select(
        "patient_id",
        "site_id",
        instrument_id=pl.col("measure").replace_strict({measure.id: measure.export for measure in measures}, return_dtype=pl.String),
        scale_id=pl.col("measure").replace_strict({measure.id: measure.scale for measure in measures}, return_dtype=pl.String),
        answered_at=answered_at(),
        total="score",
    )
    return rows.sort("answered_at", "patient_id", "instrument_id", "scale_id").with_columns(
        month=pl.col("answered_at").dt.month_end().dt.date()
    )


def long(forms: pl.DataFrame) -> pl.DataFrame:
    """One row per item of each form, in the order of the forms; a blank item is a row without an answer."""
    items = [name for name in forms.columns if name.startswith("item_")]
    rows = forms.with_row_index("place").unpivot(
        items,
        index=["place", "patient_id", "form_id", "instrument_id", "answered_at", "site_id"],
        variable_name="item",
        value_name="answer",
    )
    rows = rows.with_columns(pl.col("item").str.strip_prefix("item_").cast(pl.Int64))
    return rows.sort("place", "item").drop("place")


def answered_at() -> pl.Expr:
    return pl.from_epoch((pl.col("day") * DAY_MIN + pl.col("minute")) * 60, time_unit="s").cast(pl.Datetime("us"))
