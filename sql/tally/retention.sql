-- How many courses were there to be measured in each window, and how many were, by level of every breakdown.
-- Undisclosed: only report reads it, and only through release.retention.
with
    followed as (
        select
            outcome.instrument_id,
            outcome.window_id,
            stratum.stratum_id,
            count(*) filter (where not outcome.is_due) as not_due,
            count(*) filter (where outcome.is_due) as enrolled,
            count(*) filter (where outcome.is_due and outcome.baseline is not null) as with_baseline,
            count(*) filter (where outcome.is_due and outcome.score is not null) as with_score,
            count(*) filter (
                where outcome.is_due and outcome.baseline is not null and outcome.score is not null
            ) as with_both
        from core.outcome
        inner join core.stratum using (course_id, instrument_id)
        group by all
    )
select
    followed.instrument_id,  -- Measure.
    followed.window_id,  -- Window.
    stratum_level.breakdown,  -- By what the courses are grouped.
    stratum_level.level,  -- Group.
    sum(followed.not_due)::bigint as not_due,  -- Courses whose window has not fully passed yet.
    sum(followed.enrolled)::bigint as enrolled,  -- Courses of whom the measure is expected and whose window has passed.
    sum(followed.with_baseline)::bigint as with_baseline,  -- Enrolled courses with a baseline.
    sum(followed.with_score)::bigint as with_score,  -- Enrolled courses with a score in the window.
    sum(followed.with_both)::bigint as with_both  -- Enrolled courses with both.
from followed
inner join core.stratum_level using (stratum_id)
group by all
