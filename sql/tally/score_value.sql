-- How many courses with both scores had each follow-up score, by level of every breakdown; what medians are read off
-- from.
-- Undisclosed: only report reads it, and only through release.score.
with
    paired as (
        select instrument_id, window_id, stratum_id, score, sum(courses) as n
        from core.outcome_alike
        where is_due and baseline is not null and score is not null
        group by all
    )
select
    paired.instrument_id,  -- Measure.
    paired.window_id,  -- Window of the follow-up score.
    stratum_level.breakdown,  -- By what the courses are grouped.
    stratum_level.level,  -- Group.
    paired.score,  -- Follow-up score.
    sum(paired.n)::bigint as n  -- Courses with that score.
from paired
inner join core.stratum_level using (stratum_id)
group by all
