-- The responder curve: which share of the measured improved by at least x % of their baseline, for every x of the grid
-- (ref.improvement_grid); one row per measure, window, group and share. The same under every profile.
-- Asked of courses with both scores and a baseline above zero. Shares that can't be shown apart are merged with the
-- next lower one.
-- Caveat: no control group. Regression to the mean is in every change.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    curves as (
        select
            share.*,
            improvement.n as measured,
            sum(share.n) over (
                partition by share.instrument_id, share.window_id, share.breakdown, share.level
                order by share.at_least_pct desc
                rows unbounded preceding
            ) as improved
        from release.improvement_share as share
        inner join release.improvement using (instrument_id, window_id, breakdown, level)
        where share.at_least_pct is not null
    ),
    rounded as (
        select
            instrument_id,
            window_id,
            breakdown,
            level,
            at_least_pct,
            case when not is_suppressed then macro.rounded(measured, unit) end as measured,
            case when not is_suppressed then macro.rounded(improved::bigint, unit) end as improved,
            is_suppressed,
            suppression_reason
        from curves
        where measured > 0
        union all by name
        select instrument_id, window_id, breakdown, level, is_suppressed, suppression_reason
        from release.improvement
        where is_suppressed
    )
select
    instrument_id,  -- Measure.
    window_id,  -- Window of the follow-up score.
    breakdown,  -- By what the courses are grouped; all for the total.
    level,  -- Group; (pooled) for those too small to be shown by themselves.
    at_least_pct,  -- Improvement, % of the baseline; empty where nothing of the group is shown.
    measured,  -- Courses with a baseline above zero and a score in the window.
    improved,  -- Of these, improved by at least so much; equality counts.
    macro.published(macro.share(improved, measured)) as rate,  -- Improved / measured.
    macro.published(macro.wilson_low(improved, measured, z)) as rate_low,  -- Lower end of its Wilson 95 % interval.
    macro.published(macro.wilson_high(improved, measured, z)) as rate_high,  -- Upper end of it.
    is_suppressed,  -- Whether the share is merged with a lower one, or the group is too small to be shown.
    suppression_reason  -- Why it is not shown.
from rounded
cross join quantile
order by all
