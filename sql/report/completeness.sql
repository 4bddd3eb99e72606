-- Were the forms that were expected filled in? One row per measure, window, group and why the measure was expected.
-- A measure is expected of a course because the report's profile maps its indication or programme to it (profile), or
-- because the patient has answered it at least once (answered): the second leaves out whoever was never asked, so its
-- share is the kinder one.
-- Windows that have not passed are in no count; published.due has them. Before treatment: published.retention.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    rounded as (
        select
            instrument_id,
            window_id,
            breakdown,
            level,
            because,
            macro.rounded(enrolled, unit) as expected,
            macro.rounded(answered, unit) as answered,
            is_suppressed,
            suppression_reason,
            as_of
        from release.completeness
    )
select
    instrument_id,  -- Measure.
    window_id,  -- Window.
    breakdown,  -- By what the courses are grouped; all for the total.
    level,  -- Group; (pooled) for those too small to be shown by themselves.
    because,  -- Mapped by the profile, or only answered; (pooled) where one of both is too small to be shown by itself.
    expected,  -- Forms that were expected: one per course whose window has passed.
    answered,  -- Those that were filled in and could be scored.
    macro.published(macro.share(answered, expected)) as completeness,  -- Answered / expected.
    macro.published(macro.wilson_low(answered, expected, z)) as completeness_low,  -- Lower end of its Wilson 95 % interval.
    macro.published(macro.wilson_high(answered, expected, z)) as completeness_high,  -- Upper end of its Wilson 95 % interval.
    is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    suppression_reason,  -- Why it is not shown.
    as_of  -- As-of date of the numbers: the release's own, or an earlier one where they are held (published.held).
from rounded
cross join quantile
order by all
