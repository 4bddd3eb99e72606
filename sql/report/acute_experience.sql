-- Acute experience against change: one row per acute score (ref.acute), measure and group. The correlation of the
-- highest
-- acute score of the induction with the improvement in the headline window, with Fisher's 95 % interval.
-- Caveat: observational, not randomised: dose, expectation and severity move both. Of many correlations some are far
-- from
-- zero by chance.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    rounded as (
        select
            value_id,
            instrument_id,
            breakdown,
            level,
            macro.rounded(courses, unit) as courses,
            macro.rounded(n, unit) as n,
            macro.share(sum_acute, n) as mean_acute,
            macro.correlation(
                n, sum_acute, sum_improvement, sum_acute_squared, sum_improvement_squared, sum_product
            ) as correlation,
            is_suppressed,
            suppression_reason
        from release.acute_experience
        where is_suppressed or n > 0
    ),
    told as (
        select
            rounded.*,
            named.title,
            acute.ordinal,
            case when rounded.n >= acute.minimum_courses then rounded.correlation end as r
        from rounded
        inner join ref.acute as acute using (value_id)
        left join ref.dose_value as named using (value_id)
    )
select
    told.value_id,  -- Acute score.
    told.ordinal,  -- Place in lists.
    told.title,  -- Its name.
    told.instrument_id,  -- Measure.
    told.breakdown,  -- By what the courses are grouped; all for the total.
    told.level,  -- Group; (pooled) for those too small to be shown by themselves.
    told.courses,  -- Enrolled courses with an acute score.
    told.n,  -- Of these, courses with a baseline and a score in the window.
    macro.published(macro.share(told.n, told.courses)) as coverage,  -- n / courses.
    macro.published(told.mean_acute) as mean_acute,  -- Mean of the highest acute score, points.
    macro.published(told.r) as r,  -- Correlation with the improvement; above 0 where stronger experiences go with more. Empty for few courses.
    macro.published(macro.correlation_low(told.r, told.n, z)) as r_low,  -- Lower end of its 95 % interval.
    macro.published(macro.correlation_high(told.r, told.n, z)) as r_high,  -- Upper end of its 95 % interval.
    told.is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    told.suppression_reason  -- Why it is not shown.
from told
cross join quantile
order by all
