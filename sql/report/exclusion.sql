-- Why screening excluded patients: one row per group and reason; reasons too rare to be shown are pooled.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    rounded as (
        select
            breakdown,
            level,
            exclusion_reason,
            macro.rounded(patients, unit) as patients,
            macro.rounded(sum(patients) over (partition by breakdown, level), unit) as excluded,
            is_suppressed,
            suppression_reason,
            as_of
        from release.exclusion
    )
select
    breakdown,  -- By what the patients are grouped; all for the total.
    level,  -- Group; (pooled) for those too small to be shown by themselves.
    exclusion_reason,  -- Reason, in the words of the export; (pooled) for those too rare to be shown by themselves.
    patients,  -- Patients who were excluded for it.
    case when not is_suppressed then excluded end as excluded,  -- Patients of the group who were excluded.
    case when not is_suppressed then macro.published(macro.share(patients, excluded)) end as share,  -- Patients / excluded.
    case when not is_suppressed then macro.published(macro.wilson_low(patients, excluded, z)) end as share_low,  -- Lower end of its Wilson 95 % interval.
    case when not is_suppressed then macro.published(macro.wilson_high(patients, excluded, z)) end as share_high,  -- Upper end of its Wilson 95 % interval.
    is_suppressed,  -- Whether the reason, or the group, is too small to be shown by itself; empty is not zero.
    suppression_reason,  -- Why it is not shown.
    as_of  -- As-of date of the numbers: the release's own, or an earlier one where they are held (published.held).
from rounded
cross join quantile
order by all
