-- How many expected forms were answered, by why they were expected and by level of every breakdown: one form per
-- course,
-- measure and window that has passed.
-- Undisclosed: only report reads it, and only through release.completeness.
with
    followed as (
        select
            outcome.instrument_id,
            outcome.window_id,
            stratum.stratum_id,
            expected.because,
            count(*) as enrolled,
            count(outcome.score) as answered
        from core.counted as outcome
        inner join core.stratum using (course_id, instrument_id)
        inner join core.expected using (course_id, instrument_id)
        where outcome.is_due
        group by all
    )
select
    followed.instrument_id,  -- Measure.
    followed.window_id,  -- Window.
    stratum_level.breakdown,  -- By what the courses are grouped.
    stratum_level.level,  -- Group.
    followed.because,  -- Mapped by the profile, or only answered.
    sum(followed.enrolled)::bigint as enrolled,  -- Courses of whom the measure is expected and whose window has passed.
    sum(followed.answered)::bigint as answered  -- Those with a score in the window.
from followed
inner join core.stratum_level using (stratum_id)
group by all
