-- Time to response and remission, and how long response lasts: the Kaplan-Meier curve (Kaplan and Meier 1958, J Am Stat
-- Assoc 53:457-481) of each profile, event, measure and group, at the times of the grid (ref.survival_grid).
-- survival is the share that has not had the event by then. It is computed from every single day, courses with the
-- event before those that are censored on the same day, and printed at the ends of the intervals that may be shown, to
-- a step that does not tell how many were censored since at_risk was told last: the smallest of ref.survival_step that
-- is no smaller than what as many courses as the rule hides would change (docs/decisions/0007). at_risk is the number
-- at the beginning of the interval that ends at `time` and starts after the time shown before it; it and censored are
-- told where enough courses were censored.
-- What survival_event says of each event is in ref.survival_event: response and remission from day 0; loss of response
-- from the end of induction or from the first response, also with and without maintenance sessions before the end.
-- Caveat: censoring is assumed to tell nothing; whoever stops to answer may be better or worse. Who keeps well longer
-- has more time to be given a maintenance session, so the two curves are no comparison of treatments.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    disclosed as (
        select disclosure.hide_to, disclosure.survival_step as step
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
    steps as (
        select *, 'all' as maintenance
        from release.survival_step
        union all by name
        select * exclude (events), 'with' as maintenance, boosted_events as events
        from release.survival_split_step
        union all by name
        select * exclude (events), 'without' as maintenance, events - boosted_events as events
        from release.survival_split_step
    ),
    counted_at as (
        select profile_id, event_id, instrument_id, counted_in, breakdown, level, 'all' as maintenance, until as time
        from release.survival_interval
        where not is_suppressed
        union all by name
        select profile_id, event_id, instrument_id, counted_in, breakdown, level, maintenance, until as time
        from release.survival_split_interval, (select unnest(['with', 'without']) as maintenance)
        where not is_suppressed
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
    placed as (
        select
            profile_id,
            event_id,
            instrument_id,
            counted_in,
            breakdown,
            level,
            maintenance,
            time,
            steps.events,
            steps.unit,
            steps.is_suppressed,
            courses.courses,
            counted_at.time is not null as is_counted,
            coalesce(curves.survival, 1) as survival,
            coalesce(curves.variance, 0) as variance,
            coalesce(curves.at_risk - curves.events - curves.censored, courses.courses) as at_risk_after
        from (select * rename(until as time) from steps where until is not null and not is_suppressed) as steps
        inner join courses using (profile_id, event_id, instrument_id, counted_in, breakdown, level, maintenance)
        left join
            counted_at using (profile_id, event_id, instrument_id, counted_in, breakdown, level, maintenance, time)
        asof left join
            curves using (profile_id, event_id, instrument_id, counted_in, breakdown, level, maintenance, time)
    ),
    begun as (
        select
            placed.*,
            lag(at_risk_after, 1, courses) over curve as at_risk,
            lag(is_counted, 1, true) over curve as is_told,
            coalesce(
                max(variance) filter (is_counted) over (curve rows between unbounded preceding and 1 preceding), 0
            ) as variance_told
        from placed
        window
            curve as (
                partition by profile_id, event_id, instrument_id, counted_in, breakdown, level, maintenance
                order by time
            )
    ),
    drawn as (
        select
            begun.*,
            case when is_told and is_counted then at_risk - events - at_risk_after end as censored,
            disclosed.step is null as is_exact,
            (
                select min(survival_step.step)
                from ref.survival_step
                where
                    survival_step.step >= greatest(
                        disclosed.step, disclosed.hide_to * begun.survival * (begun.variance - begun.variance_told)
                    )
                    and disclosed.step is not null
            ) as step
        from begun
        cross join disclosed
        where at_risk > 0
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
        select
            * exclude (at_risk, survival, variance),
            case when is_told then at_risk end as at_risk,
            case when is_exact or step is not null then survival end as survival,
            case when is_exact or step is not null then variance end as variance
        from drawn
        union all by name
        select * exclude (events, until), until as time
        from steps
        where is_suppressed and until is not null
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
    rows.time,  -- Days or sessions: end of the interval; empty where nothing of the group is shown.
    macro.rounded(rows.at_risk, rows.unit) as at_risk,  -- Courses at risk when the interval begins; empty where it would tell how few were censored.
    macro.rounded(rows.events, rows.unit) as events,  -- Courses with the event in the interval.
    macro.rounded(rows.censored, rows.unit) as censored,  -- Courses last seen in it, without the event; empty where they are too few to be told.
    macro.published(macro.to_step(rows.survival, step)) as survival,  -- Share without the event by `time`; empty where so few are at risk that no step is coarse enough.
    macro.published(macro.to_step(macro.survival_low(rows.survival, rows.variance, z), step)) as survival_low,  -- Lower end of its 95 % interval.
    macro.published(macro.to_step(macro.survival_high(rows.survival, rows.variance, z), step)) as survival_high,  -- Upper end of it.
    rows.is_suppressed,  -- Whether the interval is merged into the next one, or the group is too small to be shown.
    rows.suppression_reason  -- Why it is not shown.
from rows
cross join quantile
order by all
