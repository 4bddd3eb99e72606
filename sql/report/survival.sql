-- Time to response and remission, and how long response lasts: the Kaplan-Meier curve (Kaplan and Meier 1958, J Am Stat
-- Assoc 53:457-481) of each profile, event, measure and group, at the times of the grid (ref.survival_grid).
-- survival is the share that has not had the event by then. It is computed from every single day, courses with the
-- event before those that are censored on the same day, and printed at the ends of the intervals that may be shown, to
-- the step of the disclosure rule (docs/decisions/0007). at_risk is the number at the beginning of the interval that
-- ends at `time` and starts after the time shown before it.
-- What survival_event says of each event is in ref.survival_event: response and remission from day 0; loss of response
-- from the end of induction or from the first response, also with and without maintenance sessions before the end.
-- Caveat: censoring is assumed to tell nothing; whoever stops to answer may be better or worse. Who keeps well longer
-- has more time to be given a maintenance session, so the two curves are no comparison of treatments.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    step as (
        select disclosure.survival_step as step
        from ref.setting
        inner join ref.disclosure on disclosure.rule = setting.disclosure_rule
    ),
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
    intervals as (
        select *, 'all' as maintenance
        from release.survival_interval
        union all by name
        select
            * exclude (events, censored), 'with' as maintenance, boosted_events as events, boosted_censored as censored
        from release.survival_split_interval
        union all by name
        select
            * exclude (events, censored),
            'without' as maintenance,
            events - boosted_events as events,
            censored - boosted_censored as censored
        from release.survival_split_interval
    ),
    courses as (
        select
            profile_id,
            event_id,
            instrument_id,
            counted_in,
            breakdown,
            level,
            maintenance,
            sum(events + censored) as courses
        from days
        group by all
    ),
    counted as (
        select
            intervals.profile_id,
            intervals.event_id,
            intervals.instrument_id,
            intervals.counted_in,
            intervals.breakdown,
            intervals.level,
            intervals.maintenance,
            intervals.until,
            intervals.unit,
            intervals.is_suppressed,
            intervals.suppression_reason,
            intervals.events,
            intervals.censored,
            courses.courses - coalesce(
                sum(intervals.events + intervals.censored) over (
                    partition by
                        intervals.profile_id,
                        intervals.event_id,
                        intervals.instrument_id,
                        intervals.counted_in,
                        intervals.breakdown,
                        intervals.level,
                        intervals.maintenance
                    order by intervals.until
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as at_risk
        from intervals
        inner join courses using (profile_id, event_id, instrument_id, counted_in, breakdown, level, maintenance)
        where intervals.until is not null and courses.courses > 0
    ),
    drawn as (
        select
            counted.*,
            case
                when counted.until is not null and not counted.is_suppressed then coalesce(curves.survival, 1)
            end as survival,
            case when not counted.is_suppressed then curves.variance end as variance
        from counted
        asof left join
            curves
            on counted.profile_id = curves.profile_id
            and counted.event_id = curves.event_id
            and counted.instrument_id = curves.instrument_id
            and counted.counted_in = curves.counted_in
            and counted.breakdown = curves.breakdown
            and counted.level = curves.level
            and counted.maintenance = curves.maintenance
            and counted.until >= curves.time
    ),
    hidden as (
        select
            profile_id,
            event_id,
            instrument_id,
            counted_in,
            breakdown,
            level,
            'all' as maintenance,
            unit,
            is_suppressed,
            suppression_reason
        from release.survival
        where is_suppressed
        union all
        select
            profile_id,
            event_id,
            instrument_id,
            counted_in,
            breakdown,
            level,
            maintenance,
            unit,
            is_suppressed,
            suppression_reason
        from release.survival_split, (select unnest(['with', 'without']) as maintenance)
        where is_suppressed
    ),
    rows as (
        from drawn
        where is_suppressed or at_risk > 0
        union all by name
        from hidden
    )
select
    rows.profile_id,  -- Profile whose thresholds are used.
    rows.event_id,  -- Event: response, remission, or loss_of_response.
    rows.instrument_id,  -- Measure.
    rows.counted_in,  -- What time is counted in: days, or medicine sessions.
    rows.breakdown,  -- By what the courses are grouped; all for the total.
    rows.level,  -- Group; (pooled) for those too small to be shown by themselves.
    rows.maintenance,  -- Courses with or without a maintenance session before the end of their time, or all.
    rows.until as time,  -- Days or sessions: end of the interval; empty where nothing of the group is shown.
    case when not rows.is_suppressed then macro.rounded(rows.at_risk, rows.unit) end as at_risk,  -- Courses at risk when the interval begins.
    macro.rounded(rows.events, rows.unit) as events,  -- Courses with the event in the interval.
    macro.rounded(rows.censored, rows.unit) as censored,  -- Courses last seen in it, without the event.
    macro.published(macro.to_step(rows.survival, step)) as survival,  -- Share without the event by `time`.
    macro.published(macro.to_step(macro.survival_low(rows.survival, rows.variance, z), step)) as survival_low,  -- Lower end of its 95 % interval.
    macro.published(macro.to_step(macro.survival_high(rows.survival, rows.variance, z), step)) as survival_high,  -- Upper end of it.
    rows.is_suppressed,  -- Whether the interval is merged into the next one, or the group is too small to be shown.
    rows.suppression_reason  -- Why it is not shown.
from rows
cross join quantile
cross join step
order by all
