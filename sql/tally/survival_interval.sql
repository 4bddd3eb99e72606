-- The counts of tally.survival_day by interval of the published grid (ref.survival_grid); every time of the grid is
-- there, and what comes after the last one has no time.
-- Undisclosed: only report reads it, and only through release.survival_step and release.survival_interval.
with
    counted as (
        select day.*, grid.time as until
        from tally.survival_day as day
        asof left join
            ref.survival_grid as grid
            on day.event_id = grid.event_id
            and day.counted_in = grid.unit
            and day.time <= grid.time
    ),
    rows as (
        select
            profile_id,
            event_id,
            instrument_id,
            counted_in,
            breakdown,
            level,
            until,
            events,
            censored,
            boosted_events,
            boosted_censored
        from counted
        union all
        select profile_id, event_id, instrument_id, counted_in, breakdown, level, grid.time, 0, 0, 0, 0
        from tally.survival
        inner join ref.survival_grid as grid using (event_id)
        where grid.unit = counted_in
    )
select
    profile_id,  -- Profile whose thresholds are used.
    event_id,  -- Event.
    instrument_id,  -- Measure.
    counted_in,  -- What time is counted in: days or sessions.
    breakdown,  -- By what the courses are grouped.
    level,  -- Group.
    until::integer as until,  -- End of the interval, which belongs to it; empty beyond the grid.
    sum(events)::bigint as events,  -- Courses with the event in the interval.
    sum(censored)::bigint as censored,  -- Courses last seen in it, without the event.
    sum(boosted_events)::bigint as boosted_events,  -- Of the events: after a maintenance session.
    sum(boosted_censored)::bigint as boosted_censored  -- Of the censored: after a maintenance session.
from rows
group by all
