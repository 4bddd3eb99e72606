-- Medians of the Kaplan-Meier curves of report.survival: by when half of the courses have had the event. One row per
-- profile, event, measure and group.
-- A median is told to the intervals that may be shown: it lies after `median_after` and not after `median_by`. The ends
-- of its 95 % interval are where the ends of the curve's interval (Brookmeyer and Crowley 1982, Biometrics 38:29-41)
-- come down to one half; all are empty where they do not.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    days as (
        select *, 'all' as maintenance
        from release.survival_day
        union all by name
        select
            * exclude (events, censored), 'with' as maintenance, boosted_events as events, boosted_censored as censored
        from release.survival_split_day
        union all by name
        select
            * exclude (events, censored),
            'without' as maintenance,
            events - boosted_events as events,
            censored - boosted_censored as censored
        from release.survival_split_day
    ),
    days_at_risk as (
        select
            days.*,
            sum(events + censored) over (
                partition by profile_id, event_id, instrument_id, counted_in, breakdown, level, maintenance
                order by time desc
            ) as at_risk
        from days
        where events + censored > 0
    ),
    curves as (
        select
            days_at_risk.*,
            product(1 - events::double / at_risk) over curve as survival,
            sum(events::double / nullif(at_risk * (at_risk - events), 0)) over curve as variance
        from days_at_risk
        window
            curve as (
                partition by profile_id, event_id, instrument_id, counted_in, breakdown, level, maintenance
                order by time
                rows unbounded preceding
            )
    ),
    crossings as (
        select
            profile_id,
            event_id,
            instrument_id,
            counted_in,
            breakdown,
            level,
            maintenance,
            sum(events + censored) as courses,
            sum(events) as events,
            min(time) filter (where survival <= 0.5) as median,
            min(time) filter (where coalesce(macro.survival_low(survival, variance, z), survival) <= 0.5) as low,
            min(time) filter (where coalesce(macro.survival_high(survival, variance, z), 1) <= 0.5) as high,
            any_value(unit) as unit
        from curves
        cross join quantile
        group by all
    ),
    ends as (
        select profile_id, event_id, instrument_id, counted_in, breakdown, level, 'all' as maintenance, until
        from release.survival_step
        where not is_suppressed
        union all
        select profile_id, event_id, instrument_id, counted_in, breakdown, level, maintenance, until
        from release.survival_split_step, (select unnest(['with', 'without']) as maintenance)
        where not is_suppressed
    ),
    placed as (
        select
            crossings.*,
            max(ends.until) filter (where ends.until < crossings.median) as median_after,
            min(ends.until) filter (where ends.until >= crossings.median) as median_by,
            min(ends.until) filter (where ends.until >= crossings.low) as low_by,
            min(ends.until) filter (where ends.until >= crossings.high) as high_by
        from crossings
        left join ends using (profile_id, event_id, instrument_id, counted_in, breakdown, level, maintenance)
        group by all
    ),
    rows as (
        select placed.*, false as is_suppressed
        from placed
        union all by name
        select
            profile_id,
            event_id,
            instrument_id,
            counted_in,
            breakdown,
            level,
            'all' as maintenance,
            is_suppressed,
            suppression_reason
        from release.survival
        where is_suppressed
        union all by name
        select
            profile_id,
            event_id,
            instrument_id,
            counted_in,
            breakdown,
            level,
            maintenance,
            is_suppressed,
            suppression_reason
        from release.survival_split, (select unnest(['with', 'without']) as maintenance)
        where is_suppressed
    )
select
    rows.profile_id,  -- Profile whose thresholds are used.
    rows.event_id,  -- Event: response, remission, or loss_of_response.
    rows.instrument_id,  -- Measure.
    rows.counted_in,  -- What time is counted in: days, or medicine sessions.
    rows.breakdown,  -- By what the courses are grouped; all for the total.
    rows.level,  -- Group; (pooled) for those too small to be shown by themselves.
    rows.maintenance,  -- Courses with or without a maintenance session before the end of their time, or all.
    event.title,  -- What is timed.
    event.definition,  -- From when, and to what.
    macro.rounded(rows.courses::bigint, rows.unit) as courses,  -- Courses that the event was looked for in.
    macro.rounded(rows.events::bigint, rows.unit) as events,  -- Courses that had it.
    case when rows.median_by is not null then coalesce(rows.median_after, 0) end as median_after,  -- The median lies after this time; 0 may itself be it.
    rows.median_by,  -- And not after this one; empty where half of the courses are not seen to have the event.
    rows.low_by,  -- The lower end of its 95 % interval lies not after this time.
    rows.high_by,  -- The upper end lies not after this time; empty where it is not reached.
    rows.is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    rows.suppression_reason  -- Why it is not shown.
from rows
left join ref.survival_event as event using (event_id)
order by all
