-- What a metric means for a measure: one row per profile that asks it, with the sentence, what the rate is over, and
-- where the numbers come from.
-- Example: from published.definitions('remission', 'phq9')
create macro published.definitions(metric, instrument) as table
    select
        d.profile_id,
        d.profile_version,
        d.definition,
        d.denominator,
        d.windows,
        d.source,
        d.status,
        d.reviewed_on
    from published.definition as d
    where d.metric_id = metric and d.instrument_id = instrument
    order by d.profile_id
