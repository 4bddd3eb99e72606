"""Courses and doses in, the days on which questionnaires were answered out."""

import numpy as np
import polars as pl

from outcomes.clinic import draw
from outcomes.clinic.draw import Bools, Floats, Ints
from outcomes.clinic.plan import BOOSTER_VISITS, Plan, Visit, ordinal

_EARLIEST, _LATEST, _BEFORE_DOSE = 8 * 60 + 30, 16 * 60, (8 * 60, 8 * 60 + 45)


def attend(plan: Plan, courses: pl.DataFrame, sessions: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One row per course, in the order of `courses`.

    For each visit `<visit>_day` (days since 1970), `<visit>_minute` (of that day) and `<visit>_here` (whether it was answered); `pick`,
    the visit whose form counts in the window ('' where none does); `is_due` and `is_due_d90`, whether the window has passed at the
    as-of date.
    """
    rng = draw.stream(seed, 5)
    n = courses.height
    day_0 = courses["day_0"].to_numpy()
    end = _end_of_induction(courses, sessions)
    booster = _first_booster(plan, courses, sessions)
    day: dict[str, Ints] = {}
    here: dict[str, Bools] = {}
    for visit in plan.visits.values():
        offset = draw.whole(rng, *visit.days, n)
        start = end if visit.id == "end_of_induction" else booster if visit.id in BOOSTER_VISITS else day_0
        day[visit.id] = start + offset
        here[visit.id] = draw.chance(rng, _coverage(plan, visit, courses["programme_id"]), n)
    day["screening"] = courses.select(pl.col("screened_on").to_physical().cast(pl.Int64)).to_series().to_numpy()
    here["screening"] &= here["baseline"] & (courses["course_number"] == 1).to_numpy()
    here["d180"] &= ~courses["is_returning"].to_numpy()
    share = plan.by_programme(courses["programme_id"], lambda p: p.coverage)
    here["d30"] = draw.chance(rng, share, n)
    after = day["end_of_induction"] - day_0
    inside = (after >= plan.window_days[0]) & (after <= plan.window_days[1])
    here["end_of_induction"] &= np.where(inside, here["d30"], True)
    for other in ("d7", "d30"):
        here["end_of_induction"] &= ~(here[other] & (day[other] == day["end_of_induction"]))
    for visit_id in day:
        here[visit_id] = here[visit_id] & (day[visit_id] <= ordinal(plan.exported_on))
    return pl.DataFrame(
        {f"{name}_day": values for name, values in day.items()}
        | {f"{name}_here": values for name, values in here.items()}
        | {f"{name}_minute": _minute(name, rng, values, day_0) for name, values in day.items()}
        | {
            "pick": _pick(plan, day_0, day, here, inside),
            "is_due": day_0 + plan.window_days[1] < ordinal(plan.as_of),
            "is_due_d90": day_0 + 120 < ordinal(plan.as_of),
        }
    )


def _coverage(plan: Plan, visit: Visit, programmes: pl.Series) -> Floats:
    return plan.by_programme(programmes, lambda programme: programme.answered.get(visit.id, visit.coverage))


def _minute(visit: str, rng: np.random.Generator, day: Ints, day_0: Ints) -> Ints:
    """When on its day a form was answered: on the day of the first dose before any dose begins, else in the clinic's hours."""
    n = len(day)
    usual = draw.whole(rng, _EARLIEST, _LATEST, n)
    early = draw.whole(rng, *_BEFORE_DOSE, n)
    return np.where((visit == "baseline") & (day == day_0), early, usual)


def _end_of_induction(courses: pl.DataFrame, sessions: pl.DataFrame) -> Ints:
    """The day of the last completed dose of induction."""
    last = sessions.filter(kind="medicine", phase="induction", status="completed").group_by("course").agg(pl.col("day").max())
    return courses.join(last, on="course", how="left", maintain_order="left")["day"].to_numpy()


def _first_booster(plan: Plan, courses: pl.DataFrame, sessions: pl.DataFrame) -> Ints:
    """The day of the first booster where forms are asked for about it; elsewhere a day after the export, when nothing is answered."""
    asked = [programme.id for programme in plan.programmes if programme.booster_forms]
    given = sessions.filter(pl.col("programme_id").is_in(asked), kind="medicine", phase="maintenance", status="completed")
    first = given.group_by("course").agg(pl.col("day").min())
    days = courses.join(first, on="course", how="left", maintain_order="left")["day"]
    return days.fill_null(ordinal(plan.exported_on) + 10).to_numpy()


def _pick(plan: Plan, day_0: Ints, day: dict[str, Ints], here: dict[str, Bools], inside: Bools) -> list[str]:
    """The form nearest to the target day; of two as near, the later."""
    target = day_0 + plan.window_target
    far_d30 = np.abs(day["d30"] - target)
    far_end = np.abs(day["end_of_induction"] - target)
    nearer = (far_end < far_d30) | ((far_end == far_d30) & (day["end_of_induction"] > day["d30"]))
    by_end = here["end_of_induction"] & inside & (nearer | ~here["d30"])
    return [str(visit) for visit in np.where(by_end, "end_of_induction", np.where(here["d30"], "d30", ""))]
