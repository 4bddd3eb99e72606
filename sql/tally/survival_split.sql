-- The courses of tally.survival, parted by whether they had a maintenance session before the event or the last form.
-- Undisclosed: only report reads it, and only through release.survival_split.
select
    profile_id,  -- Profile whose thresholds are used.
    event_id,  -- Event.
    instrument_id,  -- Measure.
    counted_in,  -- What time is counted in: days or sessions.
    breakdown,  -- By what the courses are grouped.
    level,  -- Group.
    sum(events + censored)::bigint as courses,  -- Courses that the event was looked for in.
    sum(events)::bigint as events,  -- Courses that had it.
    sum(boosted_events + boosted_censored)::bigint as boosted,  -- Courses with a maintenance session.
    sum(boosted_events)::bigint as boosted_events  -- Of these, those that had the event.
from tally.survival_split_day
group by all
