-- How many courses had each event, and how many were censored, on each day or after each number of medicine sessions,
-- by level of every breakdown: what the product-limit is computed from, exactly.
-- Undisclosed: only report reads it, and only through release.survival_day, whose rows are never printed.
with
    ended as (
        select
            event_time.profile_id,
            event_time.event_id,
            event_time.instrument_id,
            stratum.stratum_id,
            event_time.days,
            event_time.sessions,
            count(*) filter (event_time.is_event) as events,
            count(*) filter (not event_time.is_event) as censored,
            count(*) filter (event_time.is_event and event_time.has_boosters) as boosted_events,
            count(*) filter (not event_time.is_event and event_time.has_boosters) as boosted_censored
        from core.event_time
        inner join core.stratum using (course_id, instrument_id)
        where event_time.reason is null
        group by all
    ),
    units as (select distinct event_id, unit as counted_in from ref.survival_grid)
select
    ended.profile_id,  -- Profile whose thresholds are used.
    ended.event_id,  -- Event.
    ended.instrument_id,  -- Measure.
    units.counted_in,  -- What time is counted in: days or sessions.
    stratum_level.breakdown,  -- By what the courses are grouped.
    stratum_level.level,  -- Group.
    case when units.counted_in = 'days' then ended.days else ended.sessions end as time,  -- Days or medicine sessions.
    sum(ended.events)::bigint as events,  -- Courses with the event then.
    sum(ended.censored)::bigint as censored,  -- Courses last seen then, without the event.
    sum(ended.boosted_events)::bigint as boosted_events,  -- Of the events: after a maintenance session.
    sum(ended.boosted_censored)::bigint as boosted_censored  -- Of the censored: after a maintenance session.
from ended
inner join units using (event_id)
inner join core.stratum_level using (stratum_id)
group by all
