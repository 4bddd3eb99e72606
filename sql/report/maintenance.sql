-- Boosters after the induction: one row per group of courses. How many got one, how many were given in the time, and
-- how long it took to the first: quartiles of the product-limit curve, over which courses that were never boosted count
-- as long as they could have been. Time ends gap_days after the last medicine session, since a later one begins a new
-- course, or with the as-of date.
-- Caveat: exact Poisson limits take boosters as independent; those of one patient are not, so they are too narrow.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    days_at_risk as (
        select *, sum(boosted + unboosted) over (partition by breakdown, level order by time desc) as at_risk
        from release.maintenance_day
    ),
    curves as (
        select
            *,
            product(1 - boosted::double / nullif(at_risk, 0)) over (
                partition by breakdown, level order by time rows unbounded preceding
            ) as unboosted_share
        from days_at_risk
    ),
    quartiles as (
        select
            curves.breakdown,
            curves.level,
            min(time) filter (where quartile.quartile = 1) as lower_days,
            min(time) filter (where quartile.quartile = 2) as median_days,
            min(time) filter (where quartile.quartile = 3) as upper_days
        from curves
        inner join ref.quartile on round(1 - curves.unboosted_share, 9) >= quartile.share::double
        group by all
    ),
    rounded as (
        select
            breakdown,
            level,
            macro.rounded(courses, unit) as courses,
            macro.rounded(known, unit) as known,
            macro.rounded(boosted, unit) as boosted,
            macro.rounded(boosters, unit) as boosters,
            days,
            is_suppressed,
            suppression_reason
        from release.maintenance
    ),
    limited as (
        select
            rounded.*,
            rounded.days / exposure.days_per_month::double as months,
            rounded.days / booster.days_per_rate::double as periods,
            macro.poisson_low(rounded.boosters, poisson.low_e12, z) as boosters_low,
            macro.poisson_high(rounded.boosters, poisson.high_e12, z) as boosters_high
        from rounded
        left join ref.poisson on rounded.boosters = poisson.events
        cross join quantile
        cross join ref.exposure
        cross join ref.booster
    )
select
    limited.breakdown,  -- By what the courses are grouped; all for the total.
    limited.level,  -- Group; (pooled) for those too small to be shown by themselves.
    limited.courses,  -- Courses whose induction is over.
    macro.published(macro.share(limited.known, limited.courses)) as coverage,  -- Share of them of which it is known whether they got a booster.
    limited.boosted,  -- Courses with a booster.
    macro.published(macro.share(limited.boosted, limited.courses)) as rate,  -- Boosted / courses.
    macro.published(macro.wilson_low(limited.boosted, limited.courses, z)) as rate_low,  -- Lower end of its Wilson 95 % interval.
    macro.published(macro.wilson_high(limited.boosted, limited.courses, z)) as rate_high,  -- Upper end of its Wilson 95 % interval.
    limited.boosters,  -- Boosters.
    macro.published(limited.months) as months,  -- Months in which they were counted, of all courses together.
    macro.published(limited.boosters / nullif(limited.months, 0)) as boosters_per_month,  -- Boosters / months.
    macro.published(limited.boosters_low / nullif(limited.months, 0)) as boosters_per_month_low,  -- Lower end of its exact Poisson 95 % interval.
    macro.published(limited.boosters_high / nullif(limited.months, 0)) as boosters_per_month_high,  -- Upper end of its exact Poisson 95 % interval.
    macro.published(limited.boosters / nullif(limited.periods, 0)) as boosters_per_90_days,  -- Boosters in 90 days (ref.booster).
    macro.published(limited.boosters_low / nullif(limited.periods, 0)) as boosters_per_90_days_low,  -- Lower end of its exact Poisson 95 % interval.
    macro.published(limited.boosters_high / nullif(limited.periods, 0)) as boosters_per_90_days_high,  -- Upper end of its exact Poisson 95 % interval.
    quartiles.lower_days,  -- Days from the last induction session by which a quarter of the courses got a booster; empty where so many never do.
    quartiles.median_days,  -- Days by which half of them did.
    quartiles.upper_days,  -- Days by which three quarters did.
    limited.is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    limited.suppression_reason  -- Why it is not shown.
from limited
left join quartiles using (breakdown, level)
cross join quantile
where limited.is_suppressed or limited.courses > 0
order by all
