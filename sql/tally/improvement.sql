-- How many courses have both scores and a baseline of which there is a share, by level of every breakdown.
-- Undisclosed: only report reads it, and only through release.improvement.
select
    instrument_id,  -- Measure.
    window_id,  -- Window of the follow-up score.
    breakdown,  -- By what the courses are grouped.
    level,  -- Group.
    sum(enrolled)::bigint as enrolled,  -- Courses of whom the measure is expected and whose window has passed.
    sum(n)::bigint as n  -- Those with a baseline above zero and a score in the window.
from tally.improvement_share
group by all
