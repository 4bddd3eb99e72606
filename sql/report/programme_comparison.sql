-- Programmes and formats beside each other: one row per profile, metric, measure, window and group, with its crude
-- rate,
-- its rate standardised by severity at the baseline, and the difference to the largest group that has a name.
-- Observational, not randomised: groups differ in more than what they are named after.
-- Direct standardisation: the rate of each severity, weighted by how common that severity is over all groups compared.
-- Only severities that every group has are used; overlap says what share of the group's courses that is. Severities and
-- groups too small to show are pooled first, so everything here can be computed from what is shown.
-- The difference has a normal 95 % interval; comparisons says how many differences the metric has in this window.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    cells as (select * from release.severity where not is_suppressed and denominator > 0),
    groups as (
        select
            profile_id,
            metric_id,
            instrument_id,
            window_id,
            breakdown,
            level,
            any_value(unit) as unit,
            sum(denominator) as denominator,
            sum(numerator) as numerator
        from cells
        group by all
    ),
    partitions as (
        select profile_id, metric_id, instrument_id, window_id, breakdown, count(*) as levels
        from groups
        group by all
        having count(*) > 1
    ),
    common as (
        select
            cells.profile_id,
            cells.metric_id,
            cells.instrument_id,
            cells.window_id,
            cells.breakdown,
            cells.severity,
            sum(cells.denominator) as courses
        from cells
        inner join partitions using (profile_id, metric_id, instrument_id, window_id, breakdown)
        group by all
        having count(*) = any_value(partitions.levels)
    ),
    weights as (
        select
            common.*,
            courses::double
            / sum(courses) over (partition by profile_id, metric_id, instrument_id, window_id, breakdown) as weight
        from common
    ),
    standardised as (
        select
            cells.profile_id,
            cells.metric_id,
            cells.instrument_id,
            cells.window_id,
            cells.breakdown,
            cells.level,
            count(*) as severities,
            sum(cells.denominator) as courses,
            sum(weights.weight * cells.numerator / cells.denominator::double order by cells.severity) as rate,
            sum(
                pow(weights.weight, 2)
                * cells.numerator
                * (cells.denominator - cells.numerator)
                / pow(cells.denominator::double, 3)
                order by cells.severity
            ) as variance
        from cells
        inner join weights using (profile_id, metric_id, instrument_id, window_id, breakdown, severity)
        group by all
    ),
    described as (
        select
            groups.*,
            partitions.levels,
            standardised.severities,
            standardised.courses,
            standardised.rate as standardised_rate,
            standardised.variance,
            row_number() over (
                partition by
                    groups.profile_id, groups.metric_id, groups.instrument_id, groups.window_id, groups.breakdown
                order by groups.level = '(pooled)', groups.denominator desc, groups.level
            ) as place
        from groups
        inner join partitions using (profile_id, metric_id, instrument_id, window_id, breakdown)
        left join standardised using (profile_id, metric_id, instrument_id, window_id, breakdown, level)
    )
select
    described.profile_id,  -- Profile whose thresholds are used.
    described.metric_id,  -- Metric.
    described.instrument_id,  -- Measure.
    described.window_id,  -- Window of the follow-up score.
    described.breakdown,  -- What is compared: formats or programmes.
    described.level,  -- Group; (pooled) for those too small to be shown by themselves.
    macro.rounded(described.denominator, described.unit) as denominator,  -- Courses the rate is over.
    macro.rounded(described.numerator, described.unit) as numerator,  -- Courses that meet the condition.
    macro.published(macro.share(described.numerator, described.denominator)) as rate,  -- Crude rate: numerator / denominator.
    described.severities::integer as severities,  -- Severities (single or pooled) that every group has.
    macro.published(coalesce(macro.share(described.courses, described.denominator), 0)) as overlap,  -- Share of the group's courses of these severities.
    macro.published(described.standardised_rate) as standardised_rate,  -- Rate at the severities of all groups together; empty without overlap.
    reference.level as reference,  -- Group that it is compared with: the largest one that is not pooled.
    case
        when described.place > 1 then macro.published(described.standardised_rate - reference.standardised_rate)
    end as difference,  -- Standardised rate minus that of the reference.
    case
        when described.place > 1
        then
            macro.published(
                described.standardised_rate
                - reference.standardised_rate
                - z * sqrt(described.variance + reference.variance)
            )
    end as difference_low,  -- Lower end of its 95 % interval.
    case
        when described.place > 1
        then
            macro.published(
                described.standardised_rate
                - reference.standardised_rate
                + z * sqrt(described.variance + reference.variance)
            )
    end as difference_high,  -- Upper end of its 95 % interval.
    (described.levels - 1)::integer as comparisons,  -- Differences that the metric has in this window and breakdown.
    comparison.note  -- What must be said with it.
from described
inner join
    described as reference
    on described.profile_id = reference.profile_id
    and described.metric_id = reference.metric_id
    and described.instrument_id = reference.instrument_id
    and described.window_id = reference.window_id
    and described.breakdown = reference.breakdown
    and reference.place = 1
inner join ref.comparison on described.breakdown = comparison.breakdown
cross join quantile
order by all
