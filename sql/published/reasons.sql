-- What became of the courses of one metric and measure: one row per window, group and standing (met, not met, or why
-- that is not known), under the profile of the headline. Says why courses are missing from a rate.
-- Example: from published.reasons('response', 'phq9') where window_id = 'd30'
create macro published.reasons(metric, instrument, by := 'all', profile := null) as table
    select
        o.window_id,
        o.level,
        o.standing,
        o.label,
        o.courses,
        o.denominator,
        case when o.is_suppressed then 'hidden: ' || o.suppression_reason when o.courses = 0 then 'zero' else 'value' end as state
    from published.outcome_reason as o
    cross join published.setting as s
    left join published.window as w using (window_id)
    where
        o.metric_id = metric
        and o.instrument_id = instrument
        and o.breakdown = "by"
        and o.profile_id = coalesce(profile, s.profile_id)
    order by w.ordinal, o.level, o.ordinal, o.standing
