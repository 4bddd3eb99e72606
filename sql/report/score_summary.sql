-- Scores before and after: one row per measure, window and group, over the courses that have both scores.
-- The same under every profile, since no threshold is asked. Change is the follow-up score minus the baseline, as in
-- the
-- literature; the effect size is turned so that improvement is positive on every measure.
-- Effect size: change / root of the mean of both variances, with Hedges' correction (g_av); interval after Bonett 2008.
-- Caveat: no control group. Regression to the mean is in every change.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    score_values_in_order as (
        select
            score_value.*,
            sum(n) over (partition by instrument_id, window_id, breakdown, level order by score) as up_to_here
        from release.score_value
    ),
    medians as (
        select
            score.instrument_id,
            score.window_id,
            score.breakdown,
            score.level,
            (
                min(in_order.score) filter (where 2 * up_to_here >= score.n)
                + min(in_order.score) filter (where 2 * up_to_here > score.n)
            )::double
            / 2 as median_score
        from score_values_in_order as in_order
        inner join release.score using (instrument_id, window_id, breakdown, level)
        group by all
    ),
    rows as (
        select
            score.instrument_id,
            score.window_id,
            score.breakdown,
            score.level,
            macro.rounded(n, unit) as n,
            macro.share(sum_baseline, n) as mean_baseline,
            macro.spread(n, sum_baseline, sum_baseline_squared) as sd_baseline,
            macro.share(sum_score, n) as mean_score,
            macro.spread(n, sum_score, sum_score_squared) as sd_score,
            medians.median_score,
            macro.share(sum_change, n) as mean_change,
            macro.spread(n, sum_change, sum_change_squared) as sd_change,
            is_suppressed,
            suppression_reason,
            as_of
        from release.score
        left join medians using (instrument_id, window_id, breakdown, level)
        where is_suppressed or n > 0
    ),
    compared as (
        select
            rows.*,
            coalesce(student_t.quantile_e15 / 1e15::double, macro.student_t(z, rows.n - 1))
            * sd_change
            / sqrt(nullif(rows.n, 0)) as change_margin,
            - scale.sign * macro.paired_effect(mean_change, sd_baseline, sd_score) as effect
        from rows
        left join ref.scale using (instrument_id)
        left join ref.student_t on student_t.df = rows.n - 1
        cross join quantile
    )
select
    compared.instrument_id,  -- Measure.
    compared.window_id,  -- Window of the follow-up score.
    compared.breakdown,  -- By what the courses are grouped; all for the total.
    compared.level,  -- Group; (pooled) for those too small to be shown by themselves.
    compared.n,  -- Courses with a baseline and a score in the window, which has passed.
    macro.published(mean_baseline) as mean_baseline,  -- Mean baseline, points.
    macro.published(sd_baseline) as sd_baseline,  -- Its standard deviation (n - 1).
    macro.published(mean_score) as mean_score,  -- Mean follow-up score, points.
    macro.published(sd_score) as sd_score,  -- Its standard deviation (n - 1).
    macro.published(median_score) as median_score,  -- Median follow-up score, points.
    macro.published(mean_change) as mean_change,  -- Mean of follow-up minus baseline, points; negative where scores fell.
    macro.published(sd_change) as sd_change,  -- Its standard deviation (n - 1).
    macro.published(mean_change - change_margin) as change_low,  -- Lower end of the 95 % t interval of the mean change.
    macro.published(mean_change + change_margin) as change_high,  -- Upper end of the 95 % t interval of the mean change.
    macro.published(macro.hedges(n - 1) * effect) as effect_size,  -- Hedges g_av of the change; positive where better.
    macro.published(effect - z * macro.paired_effect_error(effect, sd_baseline, sd_score, sd_change, n)) as effect_low,  -- Lower end of its 95 % interval.
    macro.published(effect + z * macro.paired_effect_error(effect, sd_baseline, sd_score, sd_change, n)) as effect_high,  -- Upper end of its 95 % interval.
    macro.caution(scale.lookback_days, window_.target_days, window_.anchor) as caution,  -- What to mind where the measure looks back further than the window reaches; empty where it does not.
    compared.is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    compared.suppression_reason,  -- Why it is not shown.
    compared.as_of  -- As-of date of the numbers: the release's own, or an earlier one where they are held (published.held).
from compared
left join ref.scale using (instrument_id)
left join ref.window as window_ using (window_id)
cross join quantile
order by all
