-- Sites against limits that narrow with their size: one row per profile, metric, measure, window and site.
-- The target is the rate of all sites shown together. Where sites differ by more than chance alone would make them,
-- limits are widened by the root of the dispersion (ref.funnel), so that a site stands out only among its like.
-- Limits are of the normal approximation, kept between 0 and 1, and coarse below some twenty courses. Sites too small
-- to be shown by themselves count together as one.
-- Observational, not adjusted for who is treated where. Not a league table: inside the limits no site differs from
-- another, and of many rows some are outside by chance.
with
    rounded as (
        select
            profile_id,
            metric_id,
            instrument_id,
            window_id,
            level,
            macro.rounded(eligible, unit) as eligible,
            macro.rounded(measured, unit) as measured,
            macro.rounded(denominator, unit) as denominator,
            macro.rounded(numerator, unit) as numerator,
            is_suppressed,
            suppression_reason
        from release.outcome
        where breakdown = 'site'
    ),
    targets as (
        select
            profile_id,
            metric_id,
            instrument_id,
            window_id,
            count(*) filter (where denominator > 0) as sites,
            macro.share(sum(numerator), sum(denominator)) as target
        from rounded
        group by all
    ),
    scored as (
        select
            rounded.*,
            targets.sites,
            targets.target,
            macro.share(numerator, denominator) as rate,
            sqrt(target * (1 - target) / nullif(denominator, 0)) as error,
            (macro.share(numerator, denominator) - target) / nullif(error, 0) as z
        from rounded
        inner join targets using (profile_id, metric_id, instrument_id, window_id)
    ),
    in_order as (
        select profile_id, metric_id, instrument_id, window_id, list(z order by z) filter (where z is not null) as all_z
        from scored
        group by all
    ),
    tails as (
        select
            in_order.*,
            macro.quantile_of(all_z, funnel.winsorised_share::double) as z_low,
            macro.quantile_of(all_z, 1 - funnel.winsorised_share::double) as z_high
        from in_order
        cross join ref.funnel
    ),
    dispersions as (
        select
            profile_id,
            metric_id,
            instrument_id,
            window_id,
            avg(pow(least(greatest(z, z_low), z_high), 2)) filter (where z is not null) as dispersion
        from scored
        inner join tails using (profile_id, metric_id, instrument_id, window_id)
        group by all
    ),
    limited as (
        select
            scored.*,
            coalesce(dispersions.dispersion, 0) as dispersion,
            coalesce(
                dispersions.dispersion > 1 + funnel.dispersion_errors * sqrt(2 / nullif(scored.sites, 0)::double), false
            ) as is_widened,
            scored.error * case when is_widened then sqrt(dispersions.dispersion) else 1 end as sigma,
            funnel.sigmas_inner::double as inner_,
            funnel.sigmas_outer::double as outer_
        from scored
        left join dispersions using (profile_id, metric_id, instrument_id, window_id)
        cross join ref.funnel
    )
select
    profile_id,  -- Profile whose thresholds are used.
    metric_id,  -- Metric; published.definition says what it asks.
    instrument_id,  -- Measure.
    window_id,  -- Window of the follow-up score.
    level as site,  -- Site; (pooled) for those too small to be shown by themselves.
    measured,  -- Eligible courses with a score in the window.
    macro.published(macro.share(measured, eligible)) as coverage,  -- Measured / eligible.
    numerator,  -- Courses that meet the condition.
    denominator,  -- Courses the rate is over.
    macro.published(rate) as rate,  -- Numerator / denominator.
    macro.published(target) as target,  -- Rate of all sites shown, together.
    sites::integer as sites,  -- Sites that the dispersion is made from.
    macro.published(case when sites > 0 then dispersion end) as dispersion,  -- Mean square of the sites' winsorised z-scores; about 1 where they differ by chance alone.
    is_widened,  -- Whether the limits are widened by its root.
    macro.published(case when sigma is not null then greatest(target - inner_ * sigma, 0) end) as low_inner,  -- Lower inner limit (two sigma).
    macro.published(case when sigma is not null then least(target + inner_ * sigma, 1) end) as high_inner,  -- Upper inner limit.
    macro.published(case when sigma is not null then greatest(target - outer_ * sigma, 0) end) as low_outer,  -- Lower outer limit (three sigma).
    macro.published(case when sigma is not null then least(target + outer_ * sigma, 1) end) as high_outer,  -- Upper outer limit.
    case
        when rate is null
        then null
        when rate < target - outer_ * sigma
        then 'below the outer limit'
        when rate > target + outer_ * sigma
        then 'above the outer limit'
        when rate < target - inner_ * sigma
        then 'below the inner limit'
        when rate > target + inner_ * sigma
        then 'above the inner limit'
        else 'within the limits'
    end as position,  -- Where the rate lies, in words; empty without a rate.
    is_suppressed,  -- Whether the site is too small to be shown by itself; its numbers are empty, which is not zero.
    suppression_reason  -- Why it is not shown.
from limited
order by all
