"""A warehouse that is being built, what was printed and what stood behind it in; why each figure moved since it was last printed, out.

A figure that the gate held is compared with the release in which it was last printed fresh, however long ago. A course counts in a cell
then, now, or both; where that differs, one cause is named, the first that holds:

1. `new`: it was not there, or its window had not passed; or it waited to be counted, and nothing of it has changed.
2. `withdrawn`: the patient is not there any more.
3. `late`: the score or the baseline that counts now is of a form that had not arrived then.
4. `definition`: the same scores, and another definition; or nothing of the patient has changed at all.
5. `late`: the same scores, and another form of the patient that arrived since (some metrics look at several).
6. `corrected`: all the rest; values, days, groups.

The courses of a cell add up to the difference of its two numbers. What does not is of patients who were forgotten since, of whom no row
is kept: `withdrawn`; or, in a pool of groups that has other groups in it now, of these: `regrouped`.

What may be told of it: `_told`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import polars as pl

from outcomes import standing
from outcomes.disclosure import Rule
from outcomes.gate.holding import TOTAL
from outcomes.ledger import Ledger
from outcomes.reference import ATTRIBUTION, CHANGE
from outcomes.standing import KEYS, PARTITION

if TYPE_CHECKING:
    import duckdb

TABLE: Final = "outcome"
CELL: Final = (*PARTITION, "level")
QUESTION: Final = ("instrument_id", "window_id")
SEVERAL: Final = "several"
WITHDRAWN: Final = "withdrawn"
REGROUPED: Final = "regrouped"

# Courses whose rows then and now differ, one for each earlier version that is asked for.
_CHANGED: Final = """
create or replace temp table moved_changed as
with
    was as (
        select past.since, course.* from moved_course as course
        inner join moved_past as past on course.entered <= past.since and coalesce(course.ended > past.since, true)
    ),
    now_ as (select past.since, course.* from moved_now as course cross join moved_past as past)
select
    coalesce(was.since, now_.since) as since,
    coalesce(was.course_id, now_.course_id) as course_id,
    coalesce(was.patient_id, now_.patient_id) as patient_id,
    coalesce(was.instrument_id, now_.instrument_id) as instrument_id,
    coalesce(was.window_id, now_.window_id) as window_id,
    was.levels_id as levels_before,
    now_.levels_id as levels_now,
    was.marks_id as marks_before,
    now_.marks_id as marks_now,
    was.course_id is not null as was_there,
    now_.course_id is not null as is_there,
    (was.levels_id, was.baseline, was.score, was.baseline_suicidality, was.suicidality)
    is not distinct from
    (now_.levels_id, now_.baseline, now_.score, now_.baseline_suicidality, now_.suicidality) as is_alike
from was
full join now_
    on was.since = now_.since and was.course_id = now_.course_id and was.instrument_id = now_.instrument_id
    and was.window_id = now_.window_id
where
    coalesce(was.marks_id, now_.marks_id) is not null
    and (was.levels_id is distinct from now_.levels_id or was.marks_id is distinct from now_.marks_id)
"""
# When a form first came, and when each row of a patient first came as it counts now: as-of dates of the nights that took it in.
_ARRIVALS: Final = """
create or replace temp table moved_form as
select version.form_id, any_value(version.patient_id) as patient_id, min(file.as_of) as first_came,
    min(file.as_of) filter (where version.standing <> 'superseded') as so_since,
    max(version.form_number) filter (where version.standing = 'kept') as form_number
from core.form_version as version inner join meta.input_file as file using (file_number)
where version.patient_id in (select patient_id from moved_changed)
group by version.form_id;
create or replace temp table moved_patient as
with
    sessions as (
        select session.patient_id, min(file.as_of) as so_since
        from core.session as session
        inner join core.session_version as version using (session_id)
        inner join meta.input_file as file on file.file_number = version.file_number
        where version.standing <> 'superseded' and session.patient_id in (select patient_id from moved_changed)
        group by session.patient_id, session.session_id
    ),
    patients as (
        select version.patient_id, min(file.as_of) as so_since
        from core.patient_version as version inner join meta.input_file as file using (file_number)
        where version.standing <> 'superseded' and version.patient_id in (select patient_id from moved_changed)
        group by all
    ),
    rows_ as (
        select patient_id, so_since, first_came from moved_form
        union all select patient_id, so_since, null from sessions
        union all select patient_id, so_since, null from patients
    )
select patient_id, max(so_since) as so_since, max(first_came) as form_came from rows_ group by all
"""
_FACTS: Final = """
create or replace temp table moved_fact as
select
    changed.since, instrument_id, window_id, levels_before, levels_now, marks_before, marks_now, was_there, is_there, is_alike,
    coalesce(score_form.first_came > past.as_of, false) or coalesce(baseline_form.first_came > past.as_of, false) as is_late,
    coalesce(patient.form_came > past.as_of, false) as has_new_form,
    coalesce(patient.so_since > past.as_of, false) as has_changed,
    course.patient_id is not null as is_patient,
    known.patient_id is not null as was_patient,
    count(*) as courses
from moved_changed as changed
inner join moved_past as past on changed.since = past.since
left join core.outcome as outcome using (course_id, instrument_id, window_id)
left join core.baseline as baseline using (course_id, instrument_id)
left join moved_form as score_form on outcome.form_number = score_form.form_number
left join core.own_baseline as own_baseline using (course_id, instrument_id, window_id)
left join moved_form as baseline_form
    on coalesce(own_baseline.baseline_form_number, baseline.baseline_form_number) = baseline_form.form_number
left join moved_patient as patient on changed.patient_id = patient.patient_id
left join (select distinct patient_id from core.course) as course on changed.patient_id = course.patient_id
left join (
    select distinct past.since, course.patient_id from moved_course as course
    inner join moved_past as past on course.entered <= past.since and coalesce(course.ended > past.since, true)
) as known on changed.patient_id = known.patient_id and changed.since = known.since
group by all
"""
_CAUSES: Final = """
create or replace temp table moved_cause as
with
    numbered as (select row_number() over () as number, * from moved_fact),
    verdicts as (
        select number, profile_id, metric_id, true as was_counted, numerator as was_met, false as is_counted, false as is_met
        from numbered inner join moved_marks as marks on numbered.marks_before = marks.marks_id
        union all
        select number, profile_id, metric_id, false, false, true, numerator
        from numbered inner join moved_marks as marks on numbered.marks_now = marks.marks_id
    ),
    both_ as (
        select number, profile_id, metric_id,
            bool_or(was_counted) as was_counted, bool_or(was_met) as was_met, bool_or(is_counted) as is_counted, bool_or(is_met) as is_met
        from verdicts group by all
    ),
    judged as (
        select
            both_.*, fact.* exclude (number),
            then_.definition is not null and then_.definition is distinct from now_.definition as is_redefined
        from both_
        inner join numbered as fact using (number)
        left join moved_definition as then_
            on both_.profile_id = then_.profile_id and both_.metric_id = then_.metric_id
            and fact.instrument_id = then_.instrument_id and fact.window_id = then_.window_id
            and then_.entered <= fact.since and coalesce(then_.ended > fact.since, true)
        left join moved_definition_now as now_
            on both_.profile_id = now_.profile_id and both_.metric_id = now_.metric_id
            and fact.instrument_id = now_.instrument_id and fact.window_id = now_.window_id
    )
select
    since, profile_id, metric_id, instrument_id, window_id, levels_before, levels_now, was_counted, was_met, is_counted, is_met,
    case
        when not was_there and is_redefined and was_patient and not has_changed then 'definition'
        when not was_there then 'new'
        when not is_there and not is_patient then 'withdrawn'
        when not is_there then case when has_changed then 'corrected' else 'definition' end
        when is_late then 'late'
        when is_alike and is_redefined then 'definition'
        when not has_changed then case when is_alike and not is_redefined then 'new' else 'definition' end
        when is_alike and has_new_form then 'late'
        else 'corrected'
    end as cause_id,
    sum(courses)::bigint as courses
from judged
where was_counted is distinct from is_counted or was_met is distinct from is_met or levels_before is distinct from levels_now
group by all
"""
_CELLS: Final = """
with
    numbered as (select row_number() over () as number, * from moved_cause),
    levels as (
        select levels_id, entry.key as breakdown, coalesce(entry.value ->> '$', 'unknown') as level
        from moved_levels, json_each(levels::json) as entry
    ),
    sides as (
        select number, breakdown, level, true as is_before, -1 as counted, - was_met::integer as met
        from numbered inner join levels on numbered.levels_before = levels.levels_id where was_counted
        union all
        select number, breakdown, level, false, 1, is_met::integer
        from numbered inner join levels on numbered.levels_now = levels.levels_id where is_counted
    ),
    shown as (
        select
            number, profile_id, metric_id, instrument_id, window_id, breakdown, cause_id, courses, was_met, is_met, counted, met,
            case when pool.level is null then sides.level else pool.shown_as end as level
        from sides
        inner join numbered using (number)
        inner join moved_partition as partition_ using (since, profile_id, metric_id, instrument_id, window_id, breakdown)
        left join moved_pool as pool using (is_before, profile_id, metric_id, instrument_id, window_id, breakdown, level)
    ),
    of_cell as (
        select
            number, profile_id, metric_id, instrument_id, window_id, breakdown, level, cause_id, courses, was_met, is_met,
            sum(counted) as counted, sum(met) as met
        from shown where level is not null
        group by all
        having sum(counted) <> 0 or sum(met) <> 0
    )
select
    profile_id, metric_id, instrument_id, window_id, breakdown, level, cause_id,
    sum(courses)::bigint as courses,
    coalesce(sum(courses) filter (where case when counted > 0 then is_met when counted < 0 then was_met else met > 0 end), 0)::bigint
        as events,
    sum(courses * counted)::bigint as denominator,
    sum(courses * met)::bigint as numerator
from of_cell
group by all
"""
_PRINTED: Final = """
with
    printed as (
        select
            *,
            macro.rounded(numerator_now, unit) - macro.rounded(numerator_before, unit) as by_numerator,
            macro.rounded(denominator_now, unit) - macro.rounded(denominator_before, unit) as by_denominator
        from moved_pair
    ),
    apart as (
        select
            profile_id, metric_id, instrument_id, window_id, breakdown, level, cause_id,
            sign(told.numerator) * macro.rounded(abs(told.numerator), unit) as numerator,
            sign(told.denominator) * macro.rounded(abs(told.denominator), unit) as denominator
        from moved_told as told
        inner join moved_pair using (profile_id, metric_id, instrument_id, window_id, breakdown, level)
    ),
    every as (
        select * from apart
        union all by name
        select
            profile_id, metric_id, instrument_id, window_id, breakdown, level, 'several' as cause_id,
            any_value(by_numerator) - coalesce(sum(apart.numerator), 0) as numerator,
            any_value(by_denominator) - coalesce(sum(apart.denominator), 0) as denominator
        from printed left join apart using (profile_id, metric_id, instrument_id, window_id, breakdown, level)
        group by all
    )
select
    profile_id, metric_id, instrument_id, window_id, breakdown, level, cause_id, past.as_of as since_on,
    every.numerator::bigint as numerator_change, every.denominator::bigint as denominator_change
from every
inner join moved_partition using (profile_id, metric_id, instrument_id, window_id, breakdown)
inner join moved_past as past using (since)
where every.numerator <> 0 or every.denominator <> 0
"""


def attribute(con: "duckdb.DuckDBPyConnection", rule: Rule, before: Ledger, after: Ledger, version: int) -> Ledger:
    """Fills `meta.change` and `meta.attribution`; answers with the ledger `after` and what stands behind its figures.

    `before` is the ledger of the last release, `after` that of tonight's, printed at `version`. `meta.attribution`: every cell that was
    printed anew, and each cause, with the courses it is about; for the clinic's own analysts. `meta.change`: what may be told of that.
    Both are empty where nothing was kept to compare with.
    """
    if TABLE not in after.tables:
        return after
    stood, tonight = {name: frame for name, frame in before.tables.items() if name.startswith("moved_")}, standing.found(con)
    fresh = after.tables[TABLE].filter(last=version).select(PARTITION).unique()
    if stood and TABLE in before.tables:
        _explain(con, rule, before, after, stood, tonight, version)
    shown = after.tables[TABLE].group_by(PARTITION).agg(pl.col("last").max())["last"].min()
    oldest = version if shown is None else int(str(shown))
    return replace(after, tables={**after.tables, **standing.kept(stood, tonight, fresh, version, oldest)})


def _explain(
    con: "duckdb.DuckDBPyConnection",
    rule: Rule,
    before: Ledger,
    after: Ledger,
    stood: Mapping[str, pl.DataFrame],
    tonight: Mapping[str, pl.DataFrame],
    version: int,
) -> None:
    pairs = _pairs(before.tables[TABLE], after.tables[TABLE], version)
    first = stood[standing.COURSE]["entered"].min()
    pairs = pairs.filter(pl.col("since") >= (version if first is None else first))
    if pairs.is_empty():
        return
    partitions = _partitions(pairs, before.tables[TABLE], stood[standing.POOL], tonight[standing.POOL])
    dates = {"since": list(before.dates), "as_of": list(before.dates.values())}
    past = pl.DataFrame(dates, schema={"since": pl.Int64, "as_of": pl.Date}).join(partitions, on="since", how="semi")
    pools = [
        stood[standing.POOL].with_columns(is_before=pl.lit(value=True)),
        tonight[standing.POOL].with_columns(is_before=pl.lit(value=False)),
    ]
    frames = {
        "moved_course": stood[standing.COURSE],
        "moved_now": tonight[standing.COURSE],
        "moved_definition": stood[standing.DEFINITION],
        "moved_definition_now": tonight[standing.DEFINITION],
        "moved_pool": pl.concat(pools),
        "moved_marks": pl.concat([stood[standing.MARKS], tonight[standing.MARKS]]).unique(),
        "moved_levels": pl.concat([stood[standing.LEVELS], tonight[standing.LEVELS]]).unique(),
        "moved_partition": partitions.select(*PARTITION, "since"),
        "moved_pair": pairs,
        "moved_past": past,
    }
    for name, frame in frames.items():
        con.register(name, frame.to_arrow())
    for statement in (_CHANGED, _ARRIVALS, _FACTS, _CAUSES):
        con.execute(statement)
    moves = _with_the_forgotten(con.sql(_CELLS).pl(), pairs, partitions)
    _fill(con, "attribution", moves.join(past.rename({"as_of": "since_on"}), on="since").select(ATTRIBUTION.names()))
    con.register("moved_told", _told(moves, rule).to_arrow())
    _fill(con, "change", con.sql(_PRINTED).pl().select(CHANGE.names()))
    for name in (*frames, "moved_told"):
        con.unregister(name)
    con.execute("; ".join(f"drop table moved_{name}" for name in ("changed", "form", "patient", "fact", "cause")))


def _fill(con: "duckdb.DuckDBPyConnection", table: str, frame: pl.DataFrame) -> None:
    con.register("incoming", frame.to_arrow())
    con.execute(f"insert into meta.{table} by name select * from incoming order by all")
    con.unregister("incoming")


def _pairs(before: pl.DataFrame, after: pl.DataFrame, version: int) -> pl.DataFrame:
    """The cells that are printed tonight and were printed before, with their numbers then (`since` this version) and now."""
    shown = (pl.col("level") != TOTAL) & ~pl.col("is_suppressed")
    since = before.group_by(PARTITION).agg(pl.col("last").max().alias("since"))
    was = before.join(since, left_on=[*PARTITION, "last"], right_on=[*PARTITION, "since"], how="semi").filter(shown)
    numbers = ("numerator", "denominator")
    was = was.select(*CELL, pl.col("last").alias("since"), *(pl.col(name).alias(f"{name}_before") for name in numbers))
    now = after.filter(shown, last=version).select(*CELL, "unit", *(pl.col(name).alias(f"{name}_now") for name in numbers))
    return was.join(now, on=CELL)


def _partitions(pairs: pl.DataFrame, before: pl.DataFrame, pool_before: pl.DataFrame, pool_now: pl.DataFrame) -> pl.DataFrame:
    """The partitions of these cells, `since` when, and whether their causes may be told at all (`is_open`).

    That is where they group as they did, and were printed when the total of this measure and window, under any metric, was last printed:
    so the times that causes are told of follow each other, and never overlap.
    """
    partitions = pairs.select(*PARTITION, "since").unique()
    cells = [*PARTITION, "level", "shown_as"]
    other = pl.concat([a.join(b, on=cells, how="anti", nulls_equal=True) for a, b in ((pool_before, pool_now), (pool_now, pool_before))])
    totals = before.filter(pl.col("breakdown") == "all").group_by(QUESTION).agg(pl.col("last").max().alias("last_total"))
    return (
        partitions.join(other.select(PARTITION).unique().with_columns(is_regrouped=pl.lit(value=True)), on=PARTITION, how="left")
        .join(totals, on=QUESTION, how="left")
        .with_columns(pl.col("is_regrouped").fill_null(value=False))
        .with_columns(is_open=~pl.col("is_regrouped") & (pl.col("since") == pl.col("last_total")))
        .drop("last_total")
    )


def _with_the_forgotten(moves: pl.DataFrame, pairs: pl.DataFrame, partitions: pl.DataFrame) -> pl.DataFrame:
    """The causes of these cells, with what no kept course accounts for; `since` and `is_open` of their partition."""
    counted = ("courses", "events", "denominator", "numerator")
    moves = moves.join(pairs, on=CELL, how="semi")
    known = moves.group_by(CELL).agg(pl.col("numerator", "denominator").sum())
    both = pairs.join(known, on=CELL, how="left")
    for name in ("numerator", "denominator"):
        both = both.with_columns((pl.col(f"{name}_now") - pl.col(f"{name}_before") - pl.col(name).fill_null(0)).alias(name))
    rest = both.join(partitions, on=PARTITION).filter((pl.col("numerator") != 0) | (pl.col("denominator") != 0))
    rest = rest.with_columns(
        courses=pl.max_horizontal(pl.col("numerator").abs(), pl.col("denominator").abs()),
        events=pl.col("numerator").abs(),
        cause_id=pl.when("is_regrouped").then(pl.lit(REGROUPED)).otherwise(pl.lit(WITHDRAWN)),
    )
    every = pl.concat([moves.select(*CELL, "cause_id", *counted), rest.select(*CELL, "cause_id", *counted)])
    every = every.group_by(*CELL, "cause_id").agg(pl.col(counted).sum())
    return every.join(partitions, on=PARTITION)


def _told(moves: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """The causes of each cell that are told apart; all others of a cell are told as one.

    Each cause that is told, and the others together, are about nobody or about k courses, of whom c or more met the condition (now, or
    before they left) and as many did not. Since levels add up to their total, metrics share their courses, and the times of two partitions
    may differ, the causes told apart are the same for a measure and window everywhere, and a breakdown tells of them only where all its
    levels may and its total does; where not, the difference of its numbers is all that is told. Of the sets that begin with the commonest
    cause, the one that tells most of the totals.
    """
    is_all = pl.col("breakdown") == "all"
    opened = moves.filter("is_open")
    totals = opened.filter(is_all)
    ranks = totals.group_by(*QUESTION, "cause_id").agg(pl.col("courses").sum())
    ranks = ranks.sort(*QUESTION, "courses", "cause_id", descending=[False, False, True, False])
    ranks = ranks.with_columns(place=pl.int_range(pl.len()).over(QUESTION)).drop("courses")
    sizes = pl.DataFrame({"size": range(1, ranks["place"].n_unique() + 1)}, schema={"size": pl.Int64})
    ways = ranks.join(sizes, how="cross").with_columns(is_apart=pl.col("place") < pl.col("size")).drop("place")
    tried = totals.join(ways, on=[*QUESTION, "cause_id"])
    safe = _safe(tried, rule, ["size", *PARTITION])
    score = tried.filter("is_apart").join(safe, on=["size", *PARTITION], how="semi").group_by(*QUESTION, "size").agg(pl.len().alias("told"))
    best = score.sort(*QUESTION, "told", "size", descending=[False, False, True, True]).group_by(QUESTION, maintain_order=True).first()
    chosen = ways.join(best, on=[*QUESTION, "size"], how="semi").drop("size")
    # A cause that no total has moves no level of a breakdown by a net number only where it cancels; then it stays with the others.
    asked = opened.join(chosen, on=[*QUESTION, "cause_id"], how="left").with_columns(pl.col("is_apart").fill_null(value=False))
    whole = _safe(asked.filter(is_all), rule, PARTITION)
    asked = asked.join(whole.select(KEYS).unique(), on=KEYS, how="semi")
    told = asked.filter("is_apart").join(_safe(asked, rule, PARTITION), on=PARTITION, how="semi")
    return told.select(*CELL, "cause_id", "numerator", "denominator")


def _safe(moves: pl.DataFrame, rule: Rule, partition: Sequence[str]) -> pl.DataFrame:
    """The partitions in which each cause that is told apart, and the others together, are about enough courses, unlike each other.

    A cause that is all of its cell's difference says no number that the two prints do not say themselves.
    """
    named = moves.with_columns(cause_id=pl.when("is_apart").then("cause_id").otherwise(pl.lit(SEVERAL)))
    sums = named.group_by(*partition, "level", "cause_id").agg(pl.col("courses", "events").sum())
    enough = (pl.col("courses") >= rule.gate_k) & (pl.col("events") >= rule.gate_c)
    enough &= pl.col("courses") - pl.col("events") >= rule.gate_c
    is_all = pl.len().over(*partition, "level") == 1
    return sums.with_columns(is_safe=enough | is_all).group_by(partition).agg(pl.col("is_safe").all()).filter("is_safe").select(partition)
