"""Instruments in; the rows of `ref` tables out that describe them: what they are, their bands, their reliability and norms."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

import polars as pl

from outcomes import places
from outcomes.contract import DATE, SCORE, TEXT, YES_NO
from outcomes.instrument_model import TOTAL, Fact, Instrument, Measure

Rows = list[tuple[Any, ...]]
Columns = dict[str, pl.DataType]

SMALL: Final = pl.Int16()
DEFINING: Final[tuple[Fact, ...]] = ("scoring", "bands", "criterion")

INSTRUMENT: Final[Columns] = {
    "questionnaire_id": TEXT,
    "title": TEXT,
    "about": TEXT,
    "direction": TEXT,
    "items": SMALL,
    "totals_only": YES_NO,
    "lookback_days": SMALL,
    "about_lookback": TEXT,
    "licence": TEXT,
    "allows": TEXT,
    "reviewed_on": DATE,
    "review_due_on": DATE,
    "sources": TEXT,
    "status": TEXT,
}
BAND: Final[Columns] = {
    "instrument_id": TEXT,
    "band_set": TEXT,
    "is_default_set": YES_NO,
    "band_id": TEXT,
    "ordinal": SMALL,
    "title": TEXT,
    "low": SCORE,
    "high": SCORE,
}
BAND_SET: Final[Columns] = {
    "instrument_id": TEXT,
    "band_set": TEXT,
    "title": TEXT,
    "is_default_set": YES_NO,
    "indication_subtype": TEXT,
}
RELIABILITY: Final[Columns] = {
    "instrument_id": TEXT,
    "kind": TEXT,
    "r": SCORE,
    "population": TEXT,
    "source": TEXT,
    "status": TEXT,
    "is_used": YES_NO,
}
NORM: Final[Columns] = {
    "instrument_id": TEXT,
    "kind": TEXT,
    "population": TEXT,
    "mean": SCORE,
    "sd": SCORE,
    "source": TEXT,
    "status": TEXT,
    "is_used": YES_NO,
}


def review_after_months() -> int:
    """The house rule of `sql/ref/review.csv`, for what says nothing itself."""
    return int(pl.read_csv(places.folder("sql") / "ref" / "review.csv")["after_months"].item())


def review_due(instrument: Instrument, house_rule: int) -> date | None:
    """The day from which the file's facts have to be looked at again, after its own months or those of the house rule; None where nobody
    ever said that they were."""
    if instrument.reviewed_on is None:
        return None
    months = instrument.review_after_months or house_rule
    due: date = pl.Series([instrument.reviewed_on]).dt.offset_by(f"{months}mo").item()
    return due


def instrument_rows(instruments: Iterable[Instrument]) -> Rows:
    """A row per questionnaire. `sources` are those of scoring, bands and criteria; other sources stand on its page."""
    rows: Rows = []
    house_rule = review_after_months()
    for one in instruments:
        asked = (one.title, one.about, one.direction, one.items, one.totals_only, one.lookback_days, one.about_lookback)
        cites = "; ".join(source.cite for source in one.sources if not source.facts or set(source.facts) & set(DEFINING))
        rows.append((one.id, *asked, one.licence.terms, one.allows, one.reviewed_on, review_due(one, house_rule), cites, one.status))
    return rows


def band_rows(measures: Iterable[Measure]) -> Rows:
    """A row per band; a scale that is cut in several ways has several sets, one of them its default."""
    return [
        (one.id, bands.id, bands.is_default, band.id, ordinal, band.title, band.low, band.high)
        for one in measures
        for bands in one.band_sets
        for ordinal, band in enumerate(bands.bands, 1)
    ]


def band_set_rows(measures: Iterable[Measure]) -> Rows:
    """A row per set of bands and indication subtype that it is meant for; one without a subtype where the file names none."""
    return [
        (one.id, bands.id, bands.title, bands.is_default, subtype)
        for one in measures
        for bands in one.band_sets
        for subtype in (bands.subtypes or (None,))
    ]


def reliability_rows(instruments: Iterable[Instrument]) -> Rows:
    """A row per coefficient; `is_used` is that of the Jacobson-Truax reliable change, at most one per measure."""
    return [
        (_measure_id(one, each.scale), each.kind, each.r, each.population, each.source, each.status, each.used)
        for one in instruments
        for each in one.reliabilities
    ]


def norm_rows(instruments: Iterable[Instrument]) -> Rows:
    """A row per population; `is_used` is that of the Jacobson-Truax cut-offs, at most one per measure and kind."""
    return [
        (_measure_id(one, each.scale), each.kind, each.population, each.mean, each.sd, each.source, each.status, each.used)
        for one in instruments
        for each in one.norms
    ]


def _measure_id(instrument: Instrument, scale: str) -> str:
    return instrument.id if scale == TOTAL else f"{instrument.id}.{scale}"
