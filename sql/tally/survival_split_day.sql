-- kept as: view
-- The rows of tally.survival_day of the events that are shown with and without maintenance sessions.
-- Undisclosed: only report reads it, and only through release.survival_split_day, whose rows are never printed.
select
    survival_day.profile_id,  -- Profile whose thresholds are used.
    survival_day.event_id,  -- Event.
    survival_day.instrument_id,  -- Measure.
    survival_day.counted_in,  -- What time is counted in: days or sessions.
    survival_day.breakdown,  -- By what the courses are grouped.
    survival_day.level,  -- Group.
    survival_day.time,  -- Days or medicine sessions.
    survival_day.events,  -- Courses with the event then.
    survival_day.censored,  -- Courses last seen then, without the event.
    survival_day.boosted_events,  -- Of the events: after a maintenance session.
    survival_day.boosted_censored  -- Of the censored: after a maintenance session.
from tally.survival_day
inner join ref.survival_event using (event_id)
where survival_event.is_split
