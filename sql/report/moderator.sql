-- Does the rate depend on who begins, and how? One row per profile, metric, measure, window, and group of a moderator
-- (ref.moderator) that shows at least two, with how many groups the metric is split into over all moderators in this
-- window.
-- Observational. Of that many comparisons some look different by chance alone; no test is made and nothing is ranked.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    rounded as (
        select
            outcome.profile_id,
            outcome.metric_id,
            outcome.instrument_id,
            outcome.window_id,
            outcome.breakdown,
            outcome.level,
            macro.rounded(outcome.denominator, outcome.unit) as denominator,
            macro.rounded(outcome.numerator, outcome.unit) as numerator
        from release.outcome
        inner join ref.moderator using (breakdown)
        where not outcome.is_suppressed and outcome.denominator > 0
        qualify
            count(*) over (
                partition by
                    outcome.profile_id, outcome.metric_id, outcome.instrument_id, outcome.window_id, outcome.breakdown
            )
            > 1
    )
select
    profile_id,  -- Profile whose thresholds are used.
    metric_id,  -- Metric.
    instrument_id,  -- Measure.
    window_id,  -- Window of the follow-up score.
    breakdown,  -- Moderator (ref.moderator).
    level,  -- Group; (pooled) for those too small to be shown by themselves.
    denominator,  -- Courses the rate is over.
    numerator,  -- Courses that meet the condition.
    macro.published(macro.share(numerator, denominator)) as rate,  -- Numerator / denominator.
    macro.published(macro.wilson_low(numerator, denominator, z)) as rate_low,  -- Lower end of the Wilson 95 % interval.
    macro.published(macro.wilson_high(numerator, denominator, z)) as rate_high,  -- Upper end of the Wilson 95 % interval.
    (count(*) over (partition by profile_id, metric_id, instrument_id, window_id))::integer as comparisons  -- Groups over all moderators of the metric in this window.
from rounded
cross join quantile
order by all
