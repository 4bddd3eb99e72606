-- How many courses each event was looked for in, and how many had it, by level of every breakdown.
-- Undisclosed: only report reads it, and only through release.survival.
select
    profile_id,  -- Profile whose thresholds are used.
    event_id,  -- Event.
    instrument_id,  -- Measure.
    counted_in,  -- What time is counted in: days or sessions.
    breakdown,  -- By what the courses are grouped.
    level,  -- Group.
    sum(events + censored)::bigint as courses,  -- Courses that the event was looked for in.
    sum(events)::bigint as events,  -- Courses that had it.
    sum(censored)::bigint as censored  -- Courses that were not seen to have it.
from tally.survival_day
group by all
