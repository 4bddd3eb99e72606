-- kept as: view
-- The rows of tally.survival_interval of the events that are shown with and without maintenance sessions.
-- Undisclosed: only report reads it, and only through release.survival_split_step and release.survival_split_interval.
select
    survival_interval.profile_id,  -- Profile whose thresholds are used.
    survival_interval.event_id,  -- Event.
    survival_interval.instrument_id,  -- Measure.
    survival_interval.counted_in,  -- What time is counted in: days or sessions.
    survival_interval.breakdown,  -- By what the courses are grouped.
    survival_interval.level,  -- Group.
    survival_interval.until,  -- End of the interval, which belongs to it; empty beyond the grid.
    survival_interval.events,  -- Courses with the event in the interval.
    survival_interval.censored,  -- Courses last seen in it, without the event.
    survival_interval.boosted_events,  -- Of the events: after a maintenance session.
    survival_interval.boosted_censored  -- Of the censored: after a maintenance session.
from tally.survival_interval
inner join ref.survival_event using (event_id)
where survival_event.is_split
