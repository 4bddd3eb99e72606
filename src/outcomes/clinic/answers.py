"""Courses and their visits in, filled-in questionnaires out: severities first, then the answers that add up to them."""

import numpy as np
import polars as pl

from outcomes.clinic import draw, scores
from outcomes.clinic.draw import Ints
from outcomes.clinic.plan import BOOSTER_VISITS, Measure, Plan

_AT_ONCE = 50_000
_BLANK_VISITS = ("h24", "d7")


def fill_in(plan: Plan, courses: pl.DataFrame, visits: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scores and fates.

    Scores: one row per course, measure and answered visit, with `severity`, `raw` (sum of the answers), `score`, `day`, `minute` and
    `is_picked` (counts in the window). Fates: one row per course and measure, with `fate`, `is_case`, `is_lost` and what was seen of it.
    """
    rng = draw.stream(seed, 6)
    luck = draw.luck(seed, courses.height)
    known = pl.concat([courses, visits], how="horizontal")
    filled, fates = [], []
    for programme in plan.programmes:
        for indication in programme.indications:
            group = known.filter(programme_id=programme.id, indication=indication)
            for measure, outcome in plan.planted(programme.id, indication):
                own = rng.random(group.height)
                shared = draw.chance(rng, plan.numbers["shared_fate"], group.height)
                life = scores.live(plan, measure, outcome, np.where(shared, luck[group["course"].to_numpy()], own), rng)
                asked = [visit for visit in plan.visits if outcome.primary or visit not in BOOSTER_VISITS]
                if set(asked) & BOOSTER_VISITS:
                    life.severity.update(scores.about_booster(programme, measure, life, rng))
                filled += [_at_visit(group, measure, life, visit) for visit in asked]
                fates.append(_fate(group, measure, life))
    return pl.concat(filled).sort("course", "day", "minute", "measure"), pl.concat(fates).sort("course", "measure")


def forms(plan: Plan, filled: pl.DataFrame, measure: Measure, seed: int) -> pl.DataFrame:
    """One row per form of a questionnaire with items: `form_id`, who, when, `item_1` ...; a few early forms have one item left blank."""
    rng = draw.stream(seed, 100 + list(plan.measures).index(measure.id))
    rows = filled.filter(measure=measure.id).sort("day", "minute", "course")
    answers = spread(rng, rows["raw"].to_numpy(), measure)
    blank = draw.chance(rng, plan.numbers["partial_form"], rows.height) & rows["visit"].is_in(_BLANK_VISITS).to_numpy()
    which = draw.whole(rng, 0, measure.items - 1, rows.height)
    items = [pl.Series(f"item_{item + 1}", answers[:, item]).set(pl.Series(blank & (which == item)), None) for item in range(measure.items)]
    return rows.with_columns(
        *items,
        form_id=pl.format("{}-{}", pl.lit(measure.id.upper()), pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(6)),
        is_partial=pl.Series(blank),
    )


def spread(rng: np.random.Generator, totals: Ints, measure: Measure) -> Ints:
    """Answers (one row per form, one column per item) within the range of the items, each row adding up to its total.

    Every point that an item can give is a ticket; the tickets with the lowest numbers are drawn, and a form leans towards some items.
    """
    parts = [_spread(rng, totals[start : start + _AT_ONCE], measure) for start in range(0, len(totals), _AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros((0, measure.items), dtype=np.int64)


def _spread(rng: np.random.Generator, totals: Ints, measure: Measure) -> Ints:
    n = len(totals)
    tickets = rng.random((n, measure.items, measure.answer_max)) + rng.random((n, measure.items, 1))
    if measure.hard_item:
        tickets[:, measure.hard_item - 1, :] += 0.5
    order = np.argsort(tickets.reshape(n, -1), axis=1, kind="stable")
    drawn = np.zeros((n, measure.top), dtype=np.int64)
    np.put_along_axis(drawn, order, (np.arange(measure.top)[None, :] < totals[:, None]).astype(np.int64), axis=1)
    return np.asarray(drawn.reshape(n, measure.items, measure.answer_max).sum(axis=2))


def _at_visit(group: pl.DataFrame, measure: Measure, life: scores.Fates, visit: str) -> pl.DataFrame:
    picked = (group["pick"] == visit).to_numpy()
    severity = np.where(picked, life.severity["window"], life.severity[visit])
    raw = measure.top - severity if measure.higher_is_better else severity
    return group.select(
        "course",
        "patient_id",
        "site_id",
        "programme_id",
        "indication",
        "is_due",
        measure=pl.lit(measure.id),
        visit=pl.lit(visit),
        day=f"{visit}_day",
        minute=f"{visit}_minute",
        is_picked=pl.Series(picked),
        severity=pl.Series(severity),
        raw=pl.Series(raw),
        score=pl.Series(measure.scores()[severity]),
    ).filter(group[f"{visit}_here"])


def _fate(group: pl.DataFrame, measure: Measure, life: scores.Fates) -> pl.DataFrame:
    return group.select(
        "course",
        "programme_id",
        "indication",
        "is_due",
        measure=pl.lit(measure.id),
        fate=pl.Series(life.fate),
        is_case=pl.Series(life.is_case),
        is_lost=pl.Series(life.is_lost),
        has_baseline=pl.col("baseline_here"),
        is_measured=pl.col("baseline_here") & (pl.col("pick") != ""),
        is_answered=pl.any_horizontal(pl.col("^.*_here$").exclude([f"{visit}_here" for visit in BOOSTER_VISITS])),
        is_seen_later=pl.col("is_due_d90") & pl.col("d90_here"),
    )
