"""A number of patients and a seed in; the whole year of the clinic out, clean and in memory."""

from dataclasses import dataclass

import polars as pl

from outcomes.clinic import answers, events, population, treatment, visits
from outcomes.clinic.plan import Plan


@dataclass(frozen=True)
class Year:
    """Frames of the year; times are the clinic's own.

    `people`, `sessions` and `events` hold the columns of the clean tables beside what the truth needs; `scores` has a row per course,
    measure and answered visit, `fates` a row per course and measure, `forms` a frame per questionnaire with items.
    """

    plan: Plan
    seed: int
    people: pl.DataFrame
    courses: pl.DataFrame
    sessions: pl.DataFrame
    events: pl.DataFrame
    visits: pl.DataFrame
    scores: pl.DataFrame
    fates: pl.DataFrame
    forms: dict[str, pl.DataFrame]


def live_through(plan: Plan, patients: int, seed: int) -> Year:
    """The year of a clinic that screens so many patients; the same for the same seed."""
    people = population.screen(plan, patients, seed)
    courses = population.begin(plan, people, seed)
    sessions = treatment.sessions(plan, courses, people, seed)
    seen = visits.attend(plan, courses, sessions, seed)
    scores, fates = answers.fill_in(plan, courses, seen, seed)
    itemised = [measure for measure in plan.measures.values() if measure.has_items]
    return Year(
        plan=plan,
        seed=seed,
        people=people,
        courses=courses,
        sessions=sessions,
        events=events.adverse_events(plan, sessions, seed),
        visits=seen,
        scores=scores,
        fates=fates,
        forms={measure.id: answers.forms(plan, scores, measure, seed) for measure in itemised},
    )
