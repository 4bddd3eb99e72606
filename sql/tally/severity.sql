-- How many courses each metric counted, by level of the breakdowns that are compared (ref.comparison) and by severity
-- at
-- the baseline; what rates are standardised from.
-- Severity is the place of the baseline's band among the bands of the measure, 1 for the mildest; a measure without
-- bands
-- has severity 0 throughout, and so no standardised rate differs from the crude one.
-- Undisclosed: only report reads it, and only through release.severity.
with
    bands as (
        select instrument_id, band_id, row_number() over (partition by instrument_id order by low)::integer as severity
        from ref.band
        where is_default_set
    )
select
    verdict.profile_id,  -- Profile whose thresholds are used.
    verdict.metric_id,  -- Metric.
    verdict.instrument_id,  -- Measure.
    verdict.window_id,  -- Window of the follow-up score.
    stratum_level.breakdown,  -- By what the courses are grouped.
    stratum_level.level,  -- Group.
    coalesce(bands.severity, 0)::integer as severity,  -- Place of the baseline's band, from 1; 0 without one.
    sum(verdict.courses)::bigint as denominator,  -- Courses the rate is over.
    coalesce(sum(verdict.courses) filter (where verdict.numerator), 0)::bigint as numerator  -- Courses that meet the condition.
from core.verdict
inner join core.stratum_level using (stratum_id)
inner join ref.comparison using (breakdown)
inner join
    core.stratum_level as baseline
    on verdict.stratum_id = baseline.stratum_id
    and baseline.breakdown = 'baseline_severity'
left join bands on verdict.instrument_id = bands.instrument_id and baseline.level = bands.band_id
where verdict.denominator
group by all
