-- How many courses were there to be measured in each window, and how many were, by level of every breakdown.
-- Undisclosed: only report reads it, and only through release.retention.
with
    followed as (
        select
            instrument_id,
            window_id,
            stratum_id,
            sum(courses) filter (where not is_due) as not_due,
            sum(courses) filter (where is_due) as enrolled,
            sum(courses) filter (where is_due and baseline is not null) as with_baseline,
            sum(courses) filter (where is_due and score is not null) as with_score,
            sum(courses) filter (where is_due and baseline is not null and score is not null) as with_both
        from core.outcome_alike
        group by all
    )
select
    followed.instrument_id,  -- Measure.
    followed.window_id,  -- Window.
    stratum_level.breakdown,  -- By what the courses are grouped.
    stratum_level.level,  -- Group.
    coalesce(sum(followed.not_due), 0)::bigint as not_due,  -- Courses whose window has not fully passed yet.
    coalesce(sum(followed.enrolled), 0)::bigint as enrolled,  -- Courses of whom the measure is expected and whose window has passed.
    coalesce(sum(followed.with_baseline), 0)::bigint as with_baseline,  -- Enrolled courses with a baseline.
    coalesce(sum(followed.with_score), 0)::bigint as with_score,  -- Enrolled courses with a score in the window.
    coalesce(sum(followed.with_both), 0)::bigint as with_both  -- Enrolled courses with both.
from followed
inner join core.stratum_level using (stratum_id)
group by all
