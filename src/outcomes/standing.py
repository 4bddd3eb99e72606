"""A warehouse that is being built and what stood behind the figures of earlier releases in; the same with tonight's behind it out.

Frames of rows that stood from the version `entered` up to, and not with, the version `ended` (null: they still stand); a version is a run's
number. They belong to the ledger, beside what was printed: written with it, swept with it, lost with it. They know patients, so they
never leave the private zone, and only what a figure on show rests on is kept.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    import duckdb

KEYS: Final = ("profile_id", "metric_id", "instrument_id", "window_id")
PARTITION: Final = (*KEYS, "breakdown")

COURSE: Final = "moved_course"
MARKS: Final = "moved_marks"
LEVELS: Final = "moved_levels"
DEFINITION: Final = "moved_definition"
POOL: Final = "moved_pool"

# Courses by what they count as: a mark stands for all verdicts on a course's measure and window. Hashed twice, since the hash of several
# values is linear in the last: with one, two verdicts that turn round would leave the mark as it was.
_MARKED: Final = """
create or replace temp table moved_marked as
select course_id, instrument_id, window_id, bit_xor(hash(hash(profile_id, metric_id, coalesce(numerator, false)))) as mark
from core.judgement where denominator group by all
"""
_EXAMPLES: Final = """
create or replace temp table moved_example as
select * from moved_marked qualify row_number() over (partition by mark order by course_id, instrument_id, window_id) = 1
"""
# The courses are named, so that no others are judged again.
_MARKS: Final = """
create or replace temp table moved_mark as
with
    verdicts as (
        select example.mark, profile_id, metric_id, coalesce(numerator, false) as numerator,
            concat_ws(' ', profile_id, metric_id, coalesce(numerator, false)) as said
        from core.judgement inner join moved_example as example using (course_id, instrument_id, window_id)
        where denominator and course_id in ({courses})
    ),
    names as (
        select mark, left(sha256(string_agg(said, ';' order by said)), 16) as marks_id
        from verdicts group by all
    )
select mark, marks_id, profile_id, metric_id, numerator from verdicts inner join names using (mark)
"""
_LEVELS: Final = """
create or replace temp table moved_stratum as
select stratum_id, left(sha256(levels::json::varchar), 16) as levels_id, levels::json::varchar as levels from core.combination
"""
_COURSES: Final = """
select
    course.patient_id, course_id, instrument_id, window_id, moved_stratum.levels_id, outcome.baseline, outcome.score,
    outcome.baseline_suicidality, outcome.suicidality, marks.marks_id
from core.counted as outcome
inner join core.course as course using (course_id)
inner join core.stratum using (course_id, instrument_id)
inner join moved_stratum using (stratum_id)
left join moved_marked using (course_id, instrument_id, window_id)
left join (select distinct mark, marks_id from moved_mark) as marks using (mark)
where outcome.is_due
"""
_DEFINITIONS: Final = """
select
    profile_id, metric_id, instrument_id, window_id,
    left(sha256(concat_ws('|',
        metric.fingerprint, profile.version, rule::varchar, scale::varchar, window_::varchar, setting.gap_days, setting.induction_days,
        setting.induction_gap_days, setting.ended_days, setting.baseline_from_days, setting.baseline_pick
    )), 16) as definition
from core.asked
inner join ref.metric as metric using (metric_id)
inner join ref.profile as profile using (profile_id)
inner join ref.rule as rule using (profile_id)
inner join ref.scale as scale using (instrument_id)
inner join ref.window as window_ using (window_id)
cross join ref.setting as setting
"""
_POOLS: Final = """
select profile_id, metric_id, instrument_id, window_id, breakdown, level, shown_as
from release.outcome_level where shown_as is distinct from level
"""


def found(con: "duckdb.DuckDBPyConnection") -> dict[str, pl.DataFrame]:
    """What stands behind tonight's figures, by frame.

    COURSE: a row per course, measure and window that is due: patient, combination of levels, scores, and `marks_id`, null where nothing
    counts it. MARKS: what each of these stands for, profile, metric and numerator of every denominator the course is in. LEVELS: a
    combination's level in every breakdown, as JSON. DEFINITION: a fingerprint of all that decides a verdict but the data. POOL: the
    levels that tonight's rows have another name for, null where they are hidden.
    """
    for statement in (_MARKED, _EXAMPLES, _LEVELS):
        con.execute(statement)
    courses = [course for (course,) in con.execute("select distinct course_id from moved_example").fetchall()]
    con.execute(_MARKS.format(courses=", ".join("?" * len(courses)) or "null"), courses)
    frames = {
        COURSE: con.sql(_COURSES).pl(),
        MARKS: con.sql("select distinct marks_id, profile_id, metric_id, numerator from moved_mark").pl(),
        LEVELS: con.sql("select distinct levels_id, levels from moved_stratum").pl(),
        DEFINITION: con.sql(_DEFINITIONS).pl(),
        POOL: con.sql(_POOLS).pl(),
    }
    con.execute("drop table moved_marked; drop table moved_example; drop table moved_mark; drop table moved_stratum")
    return frames


def kept(
    before: Mapping[str, pl.DataFrame], tonight: Mapping[str, pl.DataFrame], fresh: pl.DataFrame, version: int, oldest: int
) -> dict[str, pl.DataFrame]:
    """The frames of the next release: those before, ended where they stand no more, and tonight's behind them.

    `fresh` are the partitions printed tonight, whose pools take the place of those before; `oldest` is the first version that a figure on
    show still rests on.
    """
    courses = _spelled(before.get(COURSE), tonight[COURSE], version, oldest)
    marks, levels = (_known(before.get(name), tonight[name]) for name in (MARKS, LEVELS))
    pools = [tonight[POOL].join(fresh, on=PARTITION, how="semi")]
    if POOL in before:
        pools.append(before[POOL].join(fresh, on=PARTITION, how="anti"))
    frames = {
        COURSE: courses,
        MARKS: marks.join(courses, on="marks_id", how="semi"),
        LEVELS: levels.join(courses, on="levels_id", how="semi"),
        DEFINITION: _spelled(before.get(DEFINITION), tonight[DEFINITION], version, oldest),
        POOL: pl.concat(pools),
    }
    return {name: frame.sort(frame.columns) for name, frame in frames.items()}


def _spelled(before: pl.DataFrame | None, now: pl.DataFrame, version: int, oldest: int) -> pl.DataFrame:
    """Rows that stood, stand and came; a row that has changed ends, and comes as another."""
    came = now.with_columns(entered=pl.lit(version, pl.Int64), ended=pl.lit(None, pl.Int64))
    if before is None:
        return came
    stood, rows = before.filter(pl.col("ended").is_null()), now.columns
    return pl.concat(
        [
            before.filter(pl.col("ended") > oldest),
            stood.join(now, on=rows, how="semi", nulls_equal=True),
            stood.join(now, on=rows, how="anti", nulls_equal=True).with_columns(ended=pl.lit(version, pl.Int64)),
            came.join(stood, on=rows, how="anti", nulls_equal=True),
        ]
    )


def _known(before: pl.DataFrame | None, now: pl.DataFrame) -> pl.DataFrame:
    return now if before is None else pl.concat([before, now]).unique()
