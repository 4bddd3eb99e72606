"""Courses in, the sessions of the clinic out: planned, given, missed, and those before and between the doses."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from outcomes.clinic import draw
from outcomes.clinic.draw import Bools, Floats, Ints, Names
from outcomes.clinic.plan import Plan, Programme, ordinal

_BOOSTERS = 12
_CARRY = ("course", "patient_id", "site_id", "programme_id", "route")
_GIVEN = ("completed", "stopped_early")
SETTLED_DAYS = 7
DAY_MIN = 24 * 60


def sessions(plan: Plan, courses: pl.DataFrame, people: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One row per session up to the export: the columns of the clean table `session`, with `started_at` in the clinic's own time.

    For the truth: `course`, `day`, `slot` (number of the dose), `is_given`, `is_dropped` and `delay` (class of the time to the first
    integration session, where that is counted).
    """
    rng = draw.stream(seed, 3)
    last = ordinal(plan.exported_on)
    doses = pl.concat([_doses(plan, p, courses.filter(programme_id=p.id), rng) for p in plan.programmes])
    doses = doses.filter(pl.col("day") <= last).sort("course", "day")
    doses = doses.with_columns(
        is_given=pl.col("status").is_in(_GIVEN),
        minute=pl.Series(_clock(rng, courses["course"].to_numpy(), doses["course"].to_numpy())),
    )
    talks = _talks(plan, doses, rng)
    missed = _never_begun(plan, people, rng)
    doses = _measured(plan, _dosed(plan, doses, rng), rng)
    doses = _experienced(plan, doses, draw.luck(seed, courses.height), seed)
    doses = doses.join(talks.drop_nulls("delay").select("course", "slot", "delay"), on=["course", "slot"], how="left")
    doses = doses.with_columns(delay=pl.when(pl.col("day") <= last - SETTLED_DAYS).then("delay"))
    held = talks.filter(pl.col("delay").ne_missing("none") & (pl.col("day") <= last)).drop("delay", "slot")
    every = pl.concat([doses, held, missed], how="diagonal_relaxed").sort("day", "minute", "patient_id", "kind")
    return every.with_columns(
        session_id=pl.format("S{}", pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(7)),
        started_at=pl.from_epoch((pl.col("day") * DAY_MIN + pl.col("minute")) * 60, time_unit="s").cast(pl.Datetime("us")),
    )


def _talks(plan: Plan, doses: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Sessions without medicine; those after a dose say how long after (`delay`, `none` for one that is not held)."""
    gap = pl.col("day").shift(-1).over("course") - pl.col("day")
    given = doses.filter("is_given").with_columns(room=gap.fill_null(SETTLED_DAYS))
    firsts = doses.filter(slot=0)
    kinds = []
    for programme in plan.programmes:
        if programme.integration:
            kinds.append(_integration(programme, given.filter(programme_id=programme.id), rng))
        if programme.preparation:
            kinds.append(_preparation(programme, firsts.filter(programme_id=programme.id), rng))
        if programme.therapy:
            kinds.append(_therapy(programme, firsts.filter(programme_id=programme.id), rng))
    return pl.concat(kinds, how="diagonal_relaxed")


def _clock(rng: np.random.Generator, courses: Ints, of: Ints) -> Ints:
    """Each course has its hour between 9:30 and 14:30; a dose begins up to 25 minutes after it. Minutes of the day, in steps of 5."""
    usual = draw.whole(rng, 0, 60, len(courses))
    return np.asarray(570 + 5 * (usual[of] + draw.whole(rng, 0, 5, len(of))))


def _doses(plan: Plan, programme: Programme, courses: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Induction up to where the course is dropped, then boosters; the first dose is always given."""
    n = courses.height
    planned = len(programme.induction)
    dropped = draw.chance(rng, programme.drop_out, n)
    attended = np.where(dropped, draw.whole(rng, 1, planned - 1, n), planned)
    day_0 = courses["day_0"].to_numpy()
    rows = []
    for slot, offset in enumerate(programme.induction):
        status = _statuses(plan, n, rng) if slot else np.full(n, "completed")
        rows.append(_slot(courses, day_0 + offset, slot, "induction", status, attended > slot))
    alive = ~dropped & ~courses["is_returning"].to_numpy() & draw.chance(rng, programme.maintenance, n)
    day = day_0 + programme.induction[-1]
    for booster in range(_BOOSTERS):
        day = day + draw.whole(rng, *programme.booster_gap, n)
        status = _statuses(plan, n, rng)
        if booster == 0 and programme.booster_forms:
            status = np.full(n, "completed")
        rows.append(_slot(courses, day, planned + booster, "maintenance", status, alive))
        # a missed booster is the last: the gap to a further one could begin a new course
        alive = alive & np.isin(status, _GIVEN) & draw.chance(rng, 0.8, n)
    whole = pl.concat(rows)
    return whole.with_columns(is_dropped=pl.col("course").is_in(courses["course"].to_numpy()[dropped]))


def _slot(courses: pl.DataFrame, day: Ints, slot: int, phase: str, status: Names, keep: Bools) -> pl.DataFrame:
    return (
        courses.select(_CARRY)
        .with_columns(
            day=pl.Series(day), slot=pl.lit(slot, pl.Int64), phase=pl.lit(phase), status=pl.Series(status), kind=pl.lit("medicine")
        )
        .filter(pl.Series(keep, dtype=pl.Boolean))
    )


def _statuses(plan: Plan, n: int, rng: np.random.Generator) -> Names:
    missed, stopped = plan.numbers["session_missed"], plan.numbers["session_stopped_early"]
    shares = {"completed": 1 - missed - stopped, "stopped_early": stopped, "cancelled": missed / 2, "no_show": missed / 2}
    return draw.choose(rng, shares, n)


def _integration(programme: Programme, given: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """For each dose given, whether and when a first integration session follows before the next dose."""
    n = given.height
    delay = draw.choose(rng, programme.integration, n)
    room = given["room"].to_numpy()
    late = np.minimum(4 + draw.whole(rng, 0, 1, n), room - 1)
    days = np.select([delay == "within_24h", delay == "h24_72"], [0, np.minimum(1 + draw.whole(rng, 0, 1, n), room - 1)], late)
    hours = np.where(delay == "within_24h", draw.whole(rng, 3, 5, n), draw.whole(rng, 1, 2, n))
    return given.select(*_CARRY, "slot").with_columns(
        day=pl.Series(given["day"].to_numpy() + days),
        minute=pl.Series(given["minute"].to_numpy() + 60 * hours),
        delay=pl.Series(delay),
        kind=pl.lit("integration"),
        status=pl.lit("completed"),
        route=pl.lit(None, pl.String),
        duration_min=pl.Series(50 + 5 * draw.whole(rng, 0, 8, n)).cast(pl.Float64),
        modality=pl.Series(draw.choose(rng, programme.modalities, n)),
    )


def _preparation(programme: Programme, firsts: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    rows = []
    for number in range(programme.preparation):
        days = firsts["day"].to_numpy() - 2 - 3 * number - draw.whole(rng, 0, 2, firsts.height)
        rows.append(_talk(firsts, days, "preparation", pl.Series(draw.choose(rng, programme.modalities, firsts.height))))
    return pl.concat(rows)


def _therapy(programme: Programme, firsts: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    has = firsts.filter(pl.Series(draw.chance(rng, programme.therapy, firsts.height)))
    modality = pl.Series(draw.choose(rng, programme.modalities, has.height))
    return pl.concat([_talk(has, has["day"].to_numpy() + day, "therapy", modality) for day in (3, 10, 17, 24)])


def _talk(firsts: pl.DataFrame, days: Ints, kind: str, modality: pl.Series) -> pl.DataFrame:
    return firsts.select(_CARRY).with_columns(
        day=pl.Series(days),
        minute=pl.lit(15 * 60, pl.Int64),
        kind=pl.lit(kind),
        status=pl.lit("completed"),
        route=pl.lit(None, pl.String),
        duration_min=pl.lit(50.0),
        modality=modality,
    )


def _never_begun(plan: Plan, people: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """A first session that was cancelled or not attended, of eligible patients who then never began."""
    absent = people.filter((pl.col("screen_result") == "included") & ~pl.col("is_started"))
    status = draw.choose(rng, {"cancelled": 0.6, "no_show": 0.4}, absent.height)
    return absent.select("patient_id", "site_id", "programme_id", "route", day="day_0").with_columns(
        minute=pl.lit(600, pl.Int64), kind=pl.lit("medicine"), phase=pl.lit("induction"), status=pl.Series(status)
    )


def _dosed(plan: Plan, doses: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Weight, dose and length of each dose given."""
    n = doses.height
    weight = 55 + draw.bell(rng, 0, 500, doses["course"].n_unique())[doses["course"].to_numpy()] / 10
    low = plan.by_programme(doses["programme_id"], lambda p: p.dose_mg_per_kg[0])
    high = plan.by_programme(doses["programme_id"], lambda p: p.dose_mg_per_kg[1])
    dose: Floats = np.round(weight * (low + (high - low) * rng.random(n)))
    # sublingual and oral doses are several times higher because little of them is absorbed
    dose = np.where(doses["route"].is_in(["sublingual", "oral"]).to_numpy(), dose * 3, dose)
    return _when_given(doses, {"weight_kg": weight, "dose_mg": dose, "duration_min": 40 + draw.whole(rng, 0, 20, n)}).with_columns(
        group_size=_group_sizes(plan, doses, rng)
    )


def _group_sizes(plan: Plan, doses: pl.DataFrame, rng: np.random.Generator) -> pl.Series:
    low = plan.by_programme(doses["programme_id"], lambda p: p.group[0]).astype(np.int64)
    high = plan.by_programme(doses["programme_id"], lambda p: p.group[1]).astype(np.int64)
    return pl.Series(draw.whole(rng, low, high, doses.height)).replace(0, None)


def _measured(plan: Plan, doses: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Vital signs and the dissociation clock of each dose given."""
    n = doses.height
    before = {"sbp": draw.bell(rng, 100, 145, n), "dbp": draw.bell(rng, 60, 90, n), "hr": draw.bell(rng, 55, 95, n)}
    rise = {"sbp": draw.bell(rng, 5, 40, n), "dbp": draw.bell(rng, 2, 20, n), "hr": draw.bell(rng, 0, 30, n)}
    units = {"sbp": "mmhg", "dbp": "mmhg", "hr": "bpm"}
    vitals = {f"{name}_before_{unit}": before[name] for name, unit in units.items()}
    vitals |= {f"{name}_peak_{unit}": before[name] + rise[name] for name, unit in units.items()}
    vitals |= {f"{name}_after_{unit}": before[name] + rise[name] // 4 for name, unit in units.items()}
    vitals["spo2_min_pct"] = draw.bell(rng, 91, 100, n)
    onset = draw.whole(rng, 3, 14, n)
    peak = np.where(draw.chance(rng, plan.numbers["peak_within_60"], n), onset + draw.bell(rng, 10, 46, n), draw.whole(rng, 61, 80, n))
    share = plan.by_programme(doses["programme_id"], lambda p: p.resolved_120)
    in_time = draw.chance(rng, share, n)
    resolved = np.where(in_time, draw.bell(rng, peak + 5, 120, n), draw.whole(rng, 121, 190, n))
    severity = draw.bell(rng, 2, 50, n)
    clock = {
        "cadss_total": severity,
        "cadss6_total": severity // 4,
        "dissociation_onset_min": onset,
        "dissociation_peak_min": peak,
        "dissociation_resolved_min": resolved,
        "ready_to_leave_min": resolved + draw.whole(rng, 0, 30, n),
        "monitored_min": np.maximum(resolved, 120) + draw.whole(rng, 0, 30, n),
    }
    recorded = pl.Series(draw.chance(rng, plan.numbers["clock_recorded"], n))
    doses = _when_given(doses, vitals | clock)
    return doses.with_columns(pl.when(recorded).then(pl.col(name)).alias(name) for name in clock)


def _experienced(plan: Plan, doses: pl.DataFrame, luck: Floats, seed: int) -> pl.DataFrame:
    """The MEQ-30 of each dose given in a programme that asks for it; in part it goes with how the patient fares."""
    rng = draw.stream(seed, 8)
    n = doses.height
    low = plan.by_programme(doses["programme_id"], lambda p: p.meq30[0])
    high = plan.by_programme(doses["programme_id"], lambda p: p.meq30[1])
    weight = plan.numbers["meq30_with_luck"]
    depth = weight * (1 - luck[doses["course"].to_numpy()]) + (1 - weight) * draw.bell(rng, 0, 100, n) / 100
    total = np.floor(low + depth * (high - low)).astype(np.int64)
    asked = (high > 0) & draw.chance(rng, plan.numbers["meq30_recorded"], n)
    return _when_given(doses, {"meq30_total": total}).with_columns(pl.when(pl.Series(asked)).then("meq30_total").alias("meq30_total"))


def _when_given(doses: pl.DataFrame, columns: Mapping[str, Ints | Floats]) -> pl.DataFrame:
    return doses.with_columns(pl.when("is_given").then(pl.lit(pl.Series(values))).alias(name) for name, values in columns.items())
