-- The rates of one metric and measure: one row per window and group of one breakdown, by default the total, under the
-- profile of the headline. `state` tells a value from a true zero, from nobody measured and from what is hidden.
-- Example: from published.outcome('response', 'phq9', 'indication')
create macro published.outcome(metric, instrument, by := 'all', profile := null) as table
    select
        o.window_id,
        o.level,
        o.enrolled,
        o.measured,
        o.coverage,
        o.numerator,
        o.denominator,
        o.rate,
        o.rate_low,
        o.rate_high,
        case
            when o.is_suppressed
            then 'hidden: ' || o.suppression_reason
            when o.denominator = 0
            then 'nobody measured'
            when o.numerator = 0
            then 'zero'
            else 'value'
        end as state,
        o.caution
    from published.outcome_summary as o
    cross join published.setting as s
    left join published.window as w using (window_id)
    where
        o.metric_id = metric
        and o.instrument_id = instrument
        and o.breakdown = "by"
        and o.profile_id = coalesce(profile, s.profile_id)
    order by w.ordinal, o.level
