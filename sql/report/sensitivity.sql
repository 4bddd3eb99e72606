-- How much the rates depend on definitions: one row per profile, metric, measure, window and baseline rule, over all
-- courses.
-- The rows of one measure under different profiles answer how much thresholds and windows move the number; the rows of
-- one profile under
-- different baseline rules, how much the choice among several scores before treatment does.
-- Caveat: `worst` overstates the effect of treatment: extreme scores move to the mean by themselves. It is not a
-- choice.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    rounded as (
        select
            profile_id,
            metric_id,
            instrument_id,
            window_id,
            baseline_rule,
            macro.rounded(eligible, unit) as eligible,
            macro.rounded(measured, unit) as measured,
            macro.rounded(denominator, unit) as denominator,
            macro.rounded(numerator, unit) as numerator,
            is_suppressed,
            suppression_reason,
            as_of
        from release.sensitivity
    ),
    own as (select rounded.* from rounded cross join ref.setting where rounded.baseline_rule = setting.baseline_pick)
select
    rounded.profile_id,  -- Profile whose thresholds are used.
    rounded.metric_id,  -- Metric; published.definition says what it asks.
    rounded.instrument_id,  -- Measure.
    rounded.window_id,  -- Window of the follow-up score.
    rounded.baseline_rule,  -- Which of several scores before treatment is the baseline: last, mean, worst or first.
    rounded.baseline_rule = setting.baseline_pick as is_own,  -- Whether it is the rule of all other tables.
    rounded.eligible,  -- Courses whose baseline the metric can apply to.
    rounded.measured,  -- Eligible courses with a score in the window.
    macro.published(macro.share(rounded.measured, rounded.eligible)) as coverage,  -- Measured / eligible.
    rounded.numerator,  -- Courses that meet the condition.
    rounded.denominator,  -- Courses the rate is over.
    macro.published(macro.share(rounded.numerator, rounded.denominator)) as rate,  -- Numerator / denominator.
    macro.published(macro.wilson_low(rounded.numerator, rounded.denominator, z)) as rate_low,  -- Lower end of the Wilson 95 % interval.
    macro.published(macro.wilson_high(rounded.numerator, rounded.denominator, z)) as rate_high,  -- Upper end of the Wilson 95 % interval.
    macro.published(
        100 * (macro.share(rounded.numerator, rounded.denominator) - macro.share(own.numerator, own.denominator))
    ) as difference_points,  -- Percentage points above the rate under the rule of all other tables.
    rounded.is_suppressed,  -- Whether the numbers are too small to be shown; they are empty, which is not zero.
    rounded.suppression_reason,  -- Why they are not shown.
    rounded.as_of  -- As-of date of the numbers: the release's own, or an earlier one where they are held (published.held).
from rounded
left join own using (profile_id, metric_id, instrument_id, window_id)
cross join ref.setting
cross join quantile
order by all
