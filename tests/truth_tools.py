"""A synthetic clinic in; its planted and its found numbers side by side, and where they differ, out."""

import datetime as dt
import hashlib
import pickle
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import polars as pl
from scipy.stats import binomtest  # type: ignore[import-untyped]

from outcomes import clinic, places, store
from outcomes.clinic import plan, year
from outcomes.clinic.write import File

PLAN = plan.load()
CERTAINTY = 0.999
COURSES_PATIENTS, COURSES_SEED = 900, 11
PLANTED = "planted.pickle"
SETTINGS = """
[clinic]
name = "Test"
timezone = "America/Denver"

[disclosure]
rule = "off"

[paths]
profiles = ["profiles"]

[report]
also = ["wrong"]

[[window]]
id = "d30"
from_days = 15
to_days = 45
target_days = 30

[[window]]
id = "d90"
from_days = 60
to_days = 120
target_days = 90

[[window]]
id = "early"
from_days = 8
to_days = 38
target_days = 23

[[window]]
id = "short"
from_days = 15
to_days = 30
target_days = 30

[[window]]
id = "first"
from_days = 15
to_days = 45
pick = "first"
"""
COURSES_ONLY = """
[clinic]
name = "Test"
timezone = "America/Denver"

[disclosure]
rule = "off"

[report]
headline_window = "d30"
also = []

[[window]]
id = "d30"
from_days = 15
to_days = 45
target_days = 30
"""
WRONG_RULES = {
    "phq9": ("response = 0.5", "response = 0.25", {"response", "relapse"}),
    "gad7": ("remission = { below = 5 }", "remission = { at_most = 5 }", {"remission", "remission_all"}),
    "pcl5": ("reliable_change = 10", "reliable_change = 18", {"reliable_improvement", "reliable_deterioration", "reliable_recovery"}),
    "pdss_sr": ("caseness = { at_least = 8 }", "caseness = { at_least = 14 }", {"remission", "recovery", "reliable_recovery"}),
}


@dataclass(frozen=True)
class Found:
    """A clinic after its night."""

    folder: Path
    truth: clinic.Truth

    def sql(self, query: str, **params: str) -> pl.DataFrame:
        with duckdb.connect(str(self.folder / "data/warehouse/current/warehouse.duckdb"), read_only=True) as con:
            rows: pl.DataFrame = con.sql(query, params=params or None).pl()
        return rows

    def published(self, query: str, **params: str) -> pl.DataFrame:
        with duckdb.connect(str(self.folder / "data/published/current/outcomes.duckdb"), read_only=True) as con:
            rows: pl.DataFrame = con.sql(query, params=params or None).pl()
        return rows

    @cached_property
    def verdicts(self) -> dict[str, store.Verdict]:
        """By the hash of the file's bytes."""
        return {verdict.ingest_id: verdict for verdict in store.ledger(self.folder / "data")}

    def ingest_id(self, file: File) -> str:
        return hashlib.sha256((self.folder / "inbox" / file.name).read_bytes()).hexdigest()


def wrong_profile() -> str:
    """The profile of the clinic with one threshold of some measures moved."""
    text = (places.folder("profiles") / f"{PLAN.profile}.toml").read_text(encoding="utf-8")
    rules = text.replace(f'id = "{PLAN.profile}"', 'id = "wrong"').split("[[rule]]\n")
    for measure, (right, wrong, _) in WRONG_RULES.items():
        place = next(i for i, rule in enumerate(rules) if rule.startswith(f'instrument = "{measure}"\n'))
        assert right in rules[place]
        rules[place] = rules[place].replace(right, wrong)
    return "[[rule]]\n".join(rules)


GROUP = ["programme_id", "indication", "instrument_id", "metric_id"]
COUNTS = ["enrolled", "with_baseline", "measured", "denominator", "numerator"]
FOUND = """
with
    courses as (
        select course.programme_id, course.indication, outcome.*
        from core.outcome join core.course using (course_id)
        where window_id = $window
    ),
    judged as (
        select course_id, instrument_id, metric_id, denominator, numerator
        from core.evidence
        where profile_id = $profile and window_id = $window
        union all
        select
            course_id,
            instrument_id,
            'coverage' as metric_id,
            is_due and baseline is not null as denominator,
            is_due and baseline is not null and score is not null as numerator
        from courses
        union all
        select
            course_id,
            instrument_id,
            'relapse' as metric_id,
            denominator,
            numerator
        from core.evidence
        where profile_id = $profile and metric_id = 'relapse' and window_id = 'd90'
    )
select
    programme_id,
    indication,
    instrument_id,
    metric_id,
    count(*) filter (is_due) as enrolled,
    count(*) filter (is_due and baseline is not null) as with_baseline,
    count(*) filter (is_due and baseline is not null and score is not null) as measured,
    count(*) filter (denominator) as denominator,
    count(*) filter (numerator) as numerator
from judged join courses using (course_id, instrument_id)
group by all
"""


def planted(truth: clinic.Truth) -> pl.DataFrame:
    """One row per programme, indication, measure and metric, `coverage` among them: what is true, and `share`, what was planted."""
    return pl.DataFrame(
        [
            (
                o.programme_id,
                o.indication,
                o.instrument_id,
                metric,
                o.enrolled,
                o.with_baseline,
                o.measured,
                s.denominator,
                s.numerator,
                s.planted,
            )
            for o in truth.outcomes
            for metric, s in {"coverage": o.coverage, **o.metrics}.items()
        ],
        schema=[*GROUP, *COUNTS, "share"],
        orient="row",
        infer_schema_length=None,
    )


def counted(found: Found, profile: str, window: str) -> pl.DataFrame:
    """The same of the warehouse, for the measures of the plan."""
    rows = found.sql(FOUND, profile=profile, window=window)
    return rows.filter(pl.col("instrument_id").is_in(list(PLAN.measures)))


def differences(true: pl.DataFrame, rows: pl.DataFrame, keys: list[str], counts: list[str]) -> list[dict[str, Any]]:
    """The rows that stand on one side only, or with another count."""
    both = true.select(*keys, *counts).join(rows.select(*keys, *counts), on=keys, how="full", coalesce=True, suffix="_found")
    return both.filter(pl.any_horizontal(pl.col(c).ne_missing(pl.col(f"{c}_found")) for c in counts)).sort(keys).to_dicts()


def improbable(true: pl.DataFrame, rows: pl.DataFrame, group: list[str]) -> list[dict[str, Any]]:
    """The groups whose planted share lies outside the interval of the found rate. Of several planted shares their mean is taken."""
    pairs = true.drop_nulls("share").select(*GROUP, "share").join(rows, on=GROUP)
    weighed = (pl.col("share") * pl.col("denominator")).sum() / pl.col("denominator").sum()
    sums = pairs.group_by(group).agg(pl.col("numerator", "denominator").sum(), weighed).filter(pl.col("denominator") > 0)
    return [row for row in sums.sort(group).to_dicts() if not plausible(row["numerator"], row["denominator"], row["share"])]


def plausible(numerator: int, denominator: int, share: float) -> bool:
    interval = binomtest(numerator, denominator).proportion_ci(CERTAINTY)
    return bool(interval.low <= share <= interval.high)


def planted_courses(lived: year.Year) -> pl.DataFrame:
    day = pl.col("day").cast(pl.Int32).cast(pl.Date)
    doses = (
        lived.sessions.filter(kind="medicine", status="completed")
        .group_by("course")
        .agg(
            medicine_sessions=pl.len(),
            induction_sessions=(pl.col("phase") == "induction").sum(),
            maintenance_sessions=(pl.col("phase") == "maintenance").sum(),
            last_medicine_on=day.max(),
            days=pl.col("day").sort(),
        )
    )
    failed = pl.col("failed_antidepressants")
    resistant = pl.when(failed >= 2).then(pl.lit("resistant")).when(failed < 2).then(pl.lit("not_resistant"))
    courses = pl.concat([lived.courses, lived.visits.select("is_due")], how="horizontal")
    return courses.join(doses, on="course").with_columns(
        pl.col("day_0").cast(pl.Int32).cast(pl.Date),
        treatment_resistance=resistant.otherwise(pl.lit("unknown")),
        format=pl.col("days").map_elements(lambda days: format_of(days.to_list()), return_dtype=pl.String),
    )


def format_of(days: list[int]) -> str:
    """From the dates alone, as metrics.md says it."""
    early = [day for day in days if day - days[0] < 14]
    if any(third - first < 7 for first, third in zip(early, early[2:], strict=False)):
        return "intensive"
    gap = median(later - sooner for sooner, later in pairwise(days)) if len(days) > 1 else 0
    return "weekly" if 5 <= gap <= 9 else "biweekly" if 10 <= gap <= 18 else "other"


def dropped(found: Found) -> Counter[str]:
    """Courses with fewer doses of induction on the books than were due by the export, whether or not the patient came."""
    booked = found.sql(
        "select programme_id, day_0, count(*) filter (session.kind = 'medicine' and session.phase = 'induction') as doses "
        "from core.course join core.session using (course_id, programme_id) group by course_id, programme_id, day_0"
    )
    offsets = {programme.id: programme.induction for programme in PLAN.programmes}
    early = [
        row["programme_id"]
        for row in booked.to_dicts()
        if row["doses"] < sum(row["day_0"] + dt.timedelta(days=day) <= PLAN.exported_on for day in offsets[row["programme_id"]])
    ]
    return Counter(early)


def live_in(folder: Path) -> str:
    """Fills a folder with a planted clinic and its night, in which nothing is hidden; the night's summary line."""
    from outcomes import log, verbs
    from outcomes.settings import load

    folder.mkdir()
    truth = clinic.make(folder, COURSES_PATIENTS, COURSES_SEED)
    (folder / PLANTED).write_bytes(pickle.dumps(truth))
    config = folder / "outcomes.toml"
    config.write_text(COURSES_ONLY)
    code, line = verbs.run(load(config), config, verbs.Wanted(truth.as_of), log.silent)
    assert code == 4, line
    return line


def lived_in(folder: Path) -> Found:
    """What `live_in` left in a folder."""
    # Nobody but `live_in` of the same run of the tests has written it.
    return Found(folder, pickle.loads((folder / PLANTED).read_bytes()))  # noqa: S301
