-- Who was still measured: one row per measure, window and group.
-- Courses whose window has not fully passed at the as-of date are never counted as missing; published.due counts them.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    rounded as (
        select
            instrument_id,
            window_id,
            breakdown,
            level,
            macro.rounded(enrolled, unit) as enrolled,
            macro.rounded(with_baseline, unit) as with_baseline,
            macro.rounded(with_score, unit) as with_score,
            macro.rounded(with_both, unit) as with_both,
            is_suppressed,
            suppression_reason,
            as_of
        from release.retention
    )
select
    instrument_id,  -- Measure.
    window_id,  -- Window.
    breakdown,  -- By what the courses are grouped; all for the total.
    level,  -- Group; (pooled) for those too small to be shown by themselves.
    enrolled,  -- Courses of whom the measure is expected and whose window has passed.
    with_baseline,  -- Enrolled courses with a baseline.
    with_score,  -- Enrolled courses with a score in the window.
    with_both,  -- Enrolled courses with both.
    macro.published(macro.share(with_baseline, enrolled)) as baseline_coverage,  -- With a baseline / enrolled.
    macro.published(macro.share(with_score, enrolled)) as retention_rate,  -- With a score / enrolled.
    macro.published(macro.wilson_low(with_score, enrolled, z)) as retention_low,  -- Lower end of its Wilson 95 % interval.
    macro.published(macro.wilson_high(with_score, enrolled, z)) as retention_high,  -- Upper end of its Wilson 95 % interval.
    is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    suppression_reason,  -- Why it is not shown.
    as_of  -- As-of date of the numbers: the release's own, or an earlier one where they are held (published.held).
from rounded
cross join quantile
order by all
