"""The plan in; everybody who was screened, and every course that was begun, out."""

import hashlib

import numpy as np
import polars as pl

from outcomes.clinic import draw
from outcomes.clinic.draw import Ints
from outcomes.clinic.plan import Plan, Programme

_RETURN_DAYS = (130, 160)


def screen(plan: Plan, patients: int, seed: int) -> pl.DataFrame:
    """One row per screened person: the columns of the clean table `patient`, and beside them `person`, `route`, `is_started` and `day_0`,
    the day of the first dose as planned (days since 1970)."""
    rng = draw.stream(seed, 1)
    programme = draw.choose(rng, {p.id: p.share for p in plan.programmes}, patients)
    people = pl.concat([_applicants(plan, p, np.flatnonzero(programme == p.id), rng) for p in plan.programmes]).sort("person")
    n = people.height
    day_0 = people["day_0"].to_numpy()
    enrolled = day_0 - draw.whole(rng, 11, 18, n)
    screened = day_0 - draw.whole(rng, 22, 28, n)
    excluded = people["is_excluded"].to_numpy()
    return people.with_columns(
        pl.Series("patient_id", [pseudonym(seed, i) for i in range(n)]),
        site_id=draw.choose(rng, plan.shares["sites"], n),
        sex=draw.choose(rng, plan.shares["sexes"], n),
        age_band=draw.choose(rng, plan.shares["age_bands"], n),
        ethnicity=draw.choose(rng, plan.shares["ethnicities"], n),
        prior_psychotherapy=draw.chance(rng, 0.7, n),
        screened_on=pl.Series(screened).cast(pl.Int32).cast(pl.Date),
        enrolled_on=pl.when(~pl.lit(pl.Series(excluded))).then(pl.lit(pl.Series(enrolled)).cast(pl.Int32).cast(pl.Date)),
        screen_result=np.where(excluded, "excluded", "included"),
        exclusion_reason=pl.when(pl.lit(pl.Series(excluded))).then(
            pl.lit(pl.Series(draw.choose(rng, plan.shares["exclusion_reasons"], n)))
        ),
        is_started=~excluded & draw.chance(rng, plan.numbers["started"], n),
    ).drop("is_excluded")


def begin(plan: Plan, people: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One row per course: `course`, `course_number`, `is_returning` (a later course follows) and its person's columns."""
    rng = draw.stream(seed, 2)
    first = people.filter("is_started").with_columns(course_number=pl.lit(1, pl.Int64))
    again = [_return(plan, p, first.filter(programme_id=p.id), rng) for p in plan.programmes]
    courses = pl.concat([first, *again]).sort("person", "course_number")
    return courses.with_columns(
        course=pl.int_range(pl.len(), dtype=pl.Int64),
        is_returning=pl.col("course_number").max().over("person") > pl.col("course_number"),
    )


def _applicants(plan: Plan, programme: Programme, persons: Ints, rng: np.random.Generator) -> pl.DataFrame:
    n = len(persons)
    days = plan.treatment_days(programme)
    failed = draw.choose(rng, {str(count): share for count, share in enumerate(programme.failed)}, n)
    return pl.DataFrame(
        {
            "person": persons,
            "programme_id": [programme.id] * n,
            "indication": draw.choose(rng, programme.indications, n),
            "occupation": draw.choose(rng, programme.occupations, n),
            "failed_antidepressants": failed,
            "route": draw.choose(rng, programme.routes, n),
            "is_excluded": draw.chance(rng, programme.excluded, n),
            "day_0": days[draw.whole(rng, 0, len(days) - 1, n)],
        },
        schema_overrides={"programme_id": pl.String, "indication": pl.String, "occupation": pl.String, "failed_antidepressants": pl.String},
    ).with_columns(pl.col("failed_antidepressants").cast(pl.Int32).replace(len(programme.failed) - 1, None))


def _return(plan: Plan, programme: Programme, first: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Second courses, long enough after the first that no window of 120 days and no baseline reaches over."""
    n = first.height
    days = plan.treatment_days(programme)
    earliest = first["day_0"].to_numpy() + programme.induction[-1] + draw.whole(rng, *_RETURN_DAYS, n)
    place = np.searchsorted(days, earliest)
    comes = draw.chance(rng, programme.returning, n) & (place < len(days))
    again = days[np.minimum(place, len(days) - 1)]
    return first.with_columns(day_0=pl.Series(again, dtype=pl.Int64), course_number=pl.lit(2, pl.Int64)).filter(pl.Series(comes))


def pseudonym(seed: int, person: int) -> str:
    """Twelve hexadecimal digits: some begin with 0, some are digits only, some look like 12e5; all are text."""
    return hashlib.sha256(f"{seed}-{person}".encode()).hexdigest()[:12]
