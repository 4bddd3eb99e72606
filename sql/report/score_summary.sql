-- Scores before and after: one row per measure, window and group, over the courses that have both scores.
-- The same under every profile, since no threshold is asked. Change is the follow-up score minus the baseline, as in
-- the
-- literature; the effect size is turned so that improvement is positive on every measure.
-- Effect size: change / root of the mean of both variances, with Hedges' correction (g_av); interval after Bonett 2008.
-- Caveat: no control group. Regression to the mean is in every change.
with
    rounding as (
        select disclosure.round_to as unit
        from ref.setting
        inner join ref.disclosure on disclosure.rule = setting.disclosure_rule
    ),
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    pooled as (
        select
            release.instrument_id,
            release.window_id,
            release.breakdown,
            release.shown_as,
            sum(tally.n)::bigint as courses,
            sum(tally.sum_baseline) as sum_baseline,
            sum(tally.sum_baseline_squared) as sum_baseline_squared,
            sum(tally.sum_score) as sum_score,
            sum(tally.sum_score_squared) as sum_score_squared,
            sum(tally.sum_change) as sum_change,
            sum(tally.sum_change_squared) as sum_change_squared
        from tally.score as tally
        inner join release.score as release using (instrument_id, window_id, breakdown, level)
        where release.shown_as is not null
        group by all
        having sum(tally.n) > 0
    ),
    score_counts as (
        select
            release.instrument_id,
            release.window_id,
            release.breakdown,
            release.shown_as,
            tally.score,
            sum(tally.n) as here
        from tally.score_value as tally
        inner join release.score as release using (instrument_id, window_id, breakdown, level)
        where release.shown_as is not null
        group by all
    ),
    scores_in_order as (
        select
            score_counts.*,
            sum(here) over (partition by instrument_id, window_id, breakdown, shown_as order by score) as up_to_here
        from score_counts
    ),
    medians as (
        select
            pooled.instrument_id,
            pooled.window_id,
            pooled.breakdown,
            pooled.shown_as,
            (
                min(score) filter (where 2 * up_to_here >= courses) + min(score) filter (where 2 * up_to_here > courses)
            )::double
            / 2 as median_score
        from scores_in_order
        inner join pooled using (instrument_id, window_id, breakdown, shown_as)
        group by all
    ),
    described as (
        select
            pooled.instrument_id,
            pooled.window_id,
            pooled.breakdown,
            pooled.shown_as as level,
            macro.rounded(courses, unit) as n,
            macro.share(sum_baseline, courses) as mean_baseline,
            macro.spread(courses, sum_baseline, sum_baseline_squared) as sd_baseline,
            macro.share(sum_score, courses) as mean_score,
            macro.spread(courses, sum_score, sum_score_squared) as sd_score,
            medians.median_score,
            macro.share(sum_change, courses) as mean_change,
            macro.spread(courses, sum_change, sum_change_squared) as sd_change,
            false as is_suppressed
        from pooled
        inner join medians using (instrument_id, window_id, breakdown, shown_as)
        cross join rounding
    ),
    hidden as (
        select instrument_id, window_id, breakdown, level, is_suppressed, suppression_reason
        from release.score
        where is_suppressed
    ),
    rows as (
        from described
        union all by name
        from hidden
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
    instrument_id,  -- Measure.
    window_id,  -- Window of the follow-up score.
    breakdown,  -- By what the courses are grouped; all for the total.
    level,  -- Group; (pooled) for those too small to be shown by themselves.
    n,  -- Courses with a baseline and a score in the window, which has passed.
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
    is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    suppression_reason  -- Why it is not shown.
from compared
cross join quantile
order by all
