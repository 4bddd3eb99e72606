-- What doses kept to: one row per rule and group, over the medicine sessions that were given. Protocol, vital signs,
-- dissociation and integration are all rules of ref.dose_rule, printed in published.session_rule.
-- Coverage is the share of doses of which enough was recorded to judge.
-- Caveat: doses of one patient resemble each other, so the Wilson intervals are too narrow where patients have many.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    rounded as (
        select
            rule_id,
            breakdown,
            level,
            macro.rounded(patients, unit) as patients,
            macro.rounded(doses, unit) as doses,
            macro.rounded(judged, unit) as judged,
            macro.rounded(met, unit) as met,
            is_suppressed,
            suppression_reason,
            as_of
        from release.dose_rule
    )
select
    rule_id,  -- Rule; published.session_rule says what it asks.
    breakdown,  -- By what the doses are grouped; all for the total.
    level,  -- Group; (pooled) for those too small to be shown by themselves.
    patients,  -- Patients with a dose that the rule is asked of.
    doses,  -- Doses that the rule is asked of.
    judged,  -- Doses of which enough was recorded to judge.
    macro.published(macro.share(judged, doses)) as coverage,  -- Judged / doses.
    met,  -- Doses that meet the rule.
    macro.published(macro.share(met, judged)) as rate,  -- Met / judged.
    macro.published(macro.wilson_low(met, judged, z)) as rate_low,  -- Lower end of the Wilson 95 % interval.
    macro.published(macro.wilson_high(met, judged, z)) as rate_high,  -- Upper end of the Wilson 95 % interval.
    macro.published(macro.share(met, doses)) as rate_worst,  -- Rate over all doses if none of the unjudged met it.
    macro.published(macro.share(met + doses - judged, doses)) as rate_best,  -- Rate over all doses if each of the unjudged met it.
    is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    suppression_reason,  -- Why it is not shown.
    as_of  -- As-of date of the numbers: the release's own, or an earlier one where they are held (published.held).
from rounded
cross join quantile
order by all
