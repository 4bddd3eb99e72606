-- How many courses improved by which share of their baseline, by level of every breakdown: a row counts those between
-- one share of the grid (ref.improvement_grid), equality included, and the next one.
-- Courses below the lowest share have none, and so have those that are enrolled and count in no share (n is 0).
-- Undisclosed: only report reads it, and only through release.improvement_share.
with
    shares as (
        select
            outcome.instrument_id,
            outcome.window_id,
            stratum.stratum_id,
            case when outcome.score is not null and outcome.baseline > 0 then outcome.improvement end as improvement,
            case when outcome.score is not null and outcome.baseline > 0 then outcome.baseline end as baseline
        from core.counted as outcome
        inner join core.stratum using (course_id, instrument_id)
        where outcome.is_due
    ),
    values_of_strata as (
        select instrument_id, window_id, stratum_id, improvement, baseline, count(*) as enrolled, count(baseline) as n
        from shares
        group by all
    ),
    placed as (
        select
            values_of_strata.instrument_id,
            values_of_strata.window_id,
            values_of_strata.stratum_id,
            (
                select max(grid.at_least_pct)
                from ref.improvement_grid as grid
                where 100 * values_of_strata.improvement >= grid.at_least_pct * values_of_strata.baseline
            ) as at_least_pct,
            values_of_strata.enrolled,
            values_of_strata.n
        from values_of_strata
    ),
    counted as (
        select instrument_id, window_id, stratum_id, at_least_pct, sum(enrolled) as enrolled, sum(n) as n
        from placed
        group by all
        union all
        select instrument_id, window_id, stratum_id, grid.at_least_pct, 0 as enrolled, 0 as n
        from placed
        cross join ref.improvement_grid as grid
        group by all
    )
select
    counted.instrument_id,  -- Measure.
    counted.window_id,  -- Window of the follow-up score.
    stratum_level.breakdown,  -- By what the courses are grouped.
    stratum_level.level,  -- Group.
    counted.at_least_pct::integer as at_least_pct,  -- Improved by at least this share of the baseline, %, and by less than the next.
    sum(counted.enrolled)::bigint as enrolled,  -- Enrolled courses.
    sum(counted.n)::bigint as n  -- Of these, those with a baseline above zero and a score in the window.
from counted
inner join core.stratum_level using (stratum_id)
group by all
