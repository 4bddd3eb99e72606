-- The rates: one row per profile, metric, measure, window and group. What may leave the house.
-- A rate never stands without its coverage, and its bounds say what the unmeasured could do to it.
-- Groups too small to show are pooled into the level (pooled), and stay as rows without numbers; see release.outcome.
-- Caveat: observational. Groups differ in more than what they are named after.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    rounded as (
        select
            profile_id,
            metric_id,
            instrument_id,
            window_id,
            breakdown,
            level,
            macro.rounded(enrolled, unit) as enrolled,
            macro.rounded(with_baseline, unit) as with_baseline,
            macro.rounded(eligible, unit) as eligible,
            macro.rounded(measured, unit) as measured,
            macro.rounded(denominator, unit) as denominator,
            macro.rounded(numerator, unit) as numerator,
            is_suppressed,
            suppression_reason,
            as_of
        from release.outcome
    )
select
    rounded.profile_id,  -- Profile whose thresholds are used.
    rounded.metric_id,  -- Metric; published.definition says what it asks.
    rounded.instrument_id,  -- Measure.
    rounded.window_id,  -- Window of the follow-up score.
    rounded.breakdown,  -- By what the courses are grouped; all for the total.
    rounded.level,  -- Group; (pooled) for those too small to be shown by themselves.
    rounded.enrolled,  -- Courses of whom the measure is expected and whose window has passed.
    rounded.with_baseline,  -- Enrolled courses with a baseline.
    rounded.eligible,  -- Those whose baseline the metric can apply to.
    rounded.measured,  -- Eligible courses with a score in the window.
    macro.published(macro.share(rounded.measured, rounded.eligible)) as coverage,  -- Measured / eligible.
    rounded.numerator,  -- Courses that meet the condition.
    rounded.denominator,  -- Courses the rate is over: the measured, unless the profile keeps the unmeasured in.
    macro.published(macro.share(rounded.numerator, rounded.denominator)) as rate,  -- Numerator / denominator.
    macro.published(macro.wilson_low(rounded.numerator, rounded.denominator, z)) as rate_low,  -- Lower end of the Wilson 95 % interval.
    macro.published(macro.wilson_high(rounded.numerator, rounded.denominator, z)) as rate_high,  -- Upper end of the Wilson 95 % interval.
    macro.published(
        macro.share(
            rounded.numerator + case when metric.good_is = 'down' then rounded.eligible - rounded.measured else 0 end,
            rounded.eligible
        )
    ) as rate_worst,  -- Rate over the eligible if every unmeasured course had gone badly.
    macro.published(
        macro.share(
            rounded.numerator + case when metric.good_is = 'down' then 0 else rounded.eligible - rounded.measured end,
            rounded.eligible
        )
    ) as rate_best,  -- Rate over the eligible if every unmeasured course had gone well.
    macro.caution(scale.lookback_days, window_.target_days, window_.anchor) as caution,  -- What to mind where the measure looks back further than the window reaches; empty where it does not.
    rounded.is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    rounded.suppression_reason,  -- Why it is not shown.
    rounded.as_of  -- As-of date of the numbers: the release's own, or an earlier one where they are held (published.held).
from rounded
left join ref.metric using (metric_id)
left join ref.scale using (instrument_id)
left join ref.window as window_ using (window_id)
cross join quantile
order by all
