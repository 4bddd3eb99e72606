-- Response before and after boosters: one row per profile, measure, place of the booster in its course, and group; all
-- boosters together, and one after the other. Only boosters with a score before and after, no other dose between, and
-- neither form further off than ref.booster says. Response is the profile's, from the course's baseline.
-- Caveat: a booster is often given because the patient is worse, so that some of the change after it would have come by
-- itself; intervals take boosters as independent, which those of one patient are not.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    every_row as (
        select *, 'all' as boosters_are
        from release.booster
        union all by name
        select *, regexp_replace(number, '(^|-)0', '\1', 'g') as boosters_are
        from release.booster_number
        where number is not null
    ),
    rounded as (
        select
            every_row.*,
            macro.rounded(courses, unit) as courses_shown,
            macro.rounded(boosters, unit) as n,
            macro.rounded(responding_before, unit) as before_n,
            macro.rounded(responding_after, unit) as after_n,
            macro.share(sum_change, boosters) as mean_change,
            macro.spread(boosters, sum_change, sum_change_squared) as sd_change
        from every_row
        where is_suppressed or boosters > 0
    ),
    compared as (
        select
            rounded.*,
            coalesce(student_t.quantile_e15 / 1e15::double, macro.student_t(z, rounded.n - 1))
            * sd_change
            / sqrt(nullif(rounded.n, 0)) as change_margin
        from rounded
        left join ref.student_t on student_t.df = rounded.n - 1
        cross join quantile
    )
select
    compared.profile_id,  -- Profile whose thresholds are used.
    compared.instrument_id,  -- Measure.
    compared.boosters_are as number,  -- Place of the booster in its course, from 1; several that are shown as one; all.
    compared.breakdown,  -- By what the courses are grouped; all for the total.
    compared.level,  -- Group; (pooled) for those too small to be shown by themselves.
    compared.courses_shown as courses,  -- Courses with such a booster; empty for single places.
    compared.n as boosters,  -- Boosters with a score before and after.
    compared.before_n as responding_before,  -- Of these, boosters before which the course responded.
    macro.published(macro.share(compared.before_n, compared.n)) as rate_before,  -- Responding before / boosters.
    macro.published(macro.wilson_low(compared.before_n, compared.n, z)) as rate_before_low,  -- Lower end of its Wilson 95 % interval.
    macro.published(macro.wilson_high(compared.before_n, compared.n, z)) as rate_before_high,  -- Upper end of its Wilson 95 % interval.
    compared.after_n as responding_after,  -- Boosters after which the course responded.
    macro.published(macro.share(compared.after_n, compared.n)) as rate_after,  -- Responding after / boosters.
    macro.published(macro.wilson_low(compared.after_n, compared.n, z)) as rate_after_low,  -- Lower end of its Wilson 95 % interval.
    macro.published(macro.wilson_high(compared.after_n, compared.n, z)) as rate_after_high,  -- Upper end of its Wilson 95 % interval.
    macro.published(compared.mean_change) as mean_change,  -- Mean score after minus score before, points; negative where scores fell.
    macro.published(compared.mean_change - compared.change_margin) as change_low,  -- Lower end of the 95 % t interval of the mean change.
    macro.published(compared.mean_change + compared.change_margin) as change_high,  -- Upper end of it.
    compared.is_suppressed,  -- Whether the row is too small to be shown by itself; its numbers are empty, which is not zero.
    compared.suppression_reason  -- Why it is not shown.
from compared
cross join quantile
order by all
