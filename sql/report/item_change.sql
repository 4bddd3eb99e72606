-- What became of each item of a questionnaire: one row per measure, item, window and group, over the courses that
-- answered
-- it on both forms.
-- Points run the way of the measure, reversed items turned; the effect size is positive where patients got better.
-- Effect size: change / root of the mean of both variances, with Hedges' correction (g_av); interval after Bonett 2008.
-- Caveat: one item is a coarse measure, and there are many of them: the largest change is partly luck.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    described as (
        select
            instrument_id,
            item,
            window_id,
            breakdown,
            level,
            macro.rounded(n, unit) as n,
            macro.rounded(improved, unit) as improved,
            macro.rounded(worse, unit) as worse,
            macro.share(sum_baseline, n) as mean_baseline,
            macro.spread(n, sum_baseline, sum_baseline_squared) as sd_baseline,
            macro.share(sum_score, n) as mean_score,
            macro.spread(n, sum_score, sum_score_squared) as sd_score,
            macro.share(sum_change, n) as mean_change,
            macro.spread(n, sum_change, sum_change_squared) as sd_change,
            is_suppressed,
            suppression_reason,
            as_of
        from release.item_change
    ),
    compared as (
        select described.*, - scale.sign * macro.paired_effect(mean_change, sd_baseline, sd_score) as effect
        from described
        left join ref.scale using (instrument_id)
    )
select
    instrument_id,  -- Measure.
    item,  -- Number of the item.
    window_id,  -- Window of the follow-up form.
    breakdown,  -- By what the courses are grouped; all for the total.
    level,  -- Group; (pooled) for those too small to be shown by themselves.
    n,  -- Courses that answered the item before treatment and in the window, which has passed.
    macro.published(mean_baseline) as mean_baseline,  -- Mean before treatment, points.
    macro.published(mean_score) as mean_score,  -- Mean in the window, points.
    macro.published(mean_change) as mean_change,  -- Mean of follow-up minus baseline, points.
    macro.published(sd_change) as sd_change,  -- Its standard deviation (n - 1).
    macro.published(macro.hedges(n - 1) * effect) as effect_size,  -- Hedges g_av of the change; positive where better.
    macro.published(effect - z * macro.paired_effect_error(effect, sd_baseline, sd_score, sd_change, n)) as effect_low,  -- Lower end of its 95 % interval.
    macro.published(effect + z * macro.paired_effect_error(effect, sd_baseline, sd_score, sd_change, n)) as effect_high,  -- Upper end of its 95 % interval.
    improved,  -- Courses whose answer is better than before treatment.
    worse,  -- Courses whose answer is worse.
    macro.published(macro.share(improved, n)) as improved_rate,  -- Share whose answer is better.
    macro.published(macro.wilson_low(improved, n, z)) as improved_low,  -- Lower end of its Wilson 95 % interval.
    macro.published(macro.wilson_high(improved, n, z)) as improved_high,  -- Upper end of its Wilson 95 % interval.
    macro.published(macro.share(worse, n)) as worse_rate,  -- Share whose answer is worse.
    macro.published(macro.wilson_low(worse, n, z)) as worse_low,  -- Lower end of its Wilson 95 % interval.
    macro.published(macro.wilson_high(worse, n, z)) as worse_high,  -- Upper end of its Wilson 95 % interval.
    is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    suppression_reason,  -- Why it is not shown.
    as_of  -- As-of date of the numbers: the release's own, or an earlier one where they are held (published.held).
from compared
cross join quantile
order by all
