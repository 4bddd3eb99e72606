-- The screening log: one row per group of patients, with how many were screened, excluded, included, began, and came to
-- the end of their first induction.
-- Caveat: exports do not say how many doses were planned. A patient counts as through if the last dose that was booked
-- for the induction was given; where a clinic deletes the bookings of those who left, they seem to be through.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    rounded as (
        select
            breakdown,
            level,
            macro.rounded(screened, unit) as screened,
            macro.rounded(excluded, unit) as excluded,
            macro.rounded(included, unit) as included,
            macro.rounded(pending, unit) as pending,
            macro.rounded(started, unit) as started,
            macro.rounded(due, unit) as due,
            macro.rounded(completed, unit) as completed,
            is_suppressed,
            suppression_reason
        from release.screening
    )
select
    breakdown,  -- By what the patients are grouped; all for the total.
    level,  -- Group; (pooled) for those too small to be shown by themselves.
    screened,  -- Patients with a day or a result of screening.
    excluded,  -- Patients whom screening excluded; published.exclusion says why.
    included,  -- Patients whom it let in, or who began without a result.
    pending,  -- Patients without a result so far who have not begun.
    started,  -- Of the included, patients with a first dose.
    due,  -- Of these, patients whose first induction is over.
    completed,  -- Of these, patients who came to its last booked dose.
    macro.published(macro.share(screened - pending, screened)) as coverage,  -- With a result / screened.
    macro.published(macro.share(excluded, screened - pending)) as excluded_rate,  -- Excluded / with a result.
    macro.published(macro.wilson_low(excluded, screened - pending, z)) as excluded_low,  -- Lower end of its Wilson 95 % interval.
    macro.published(macro.wilson_high(excluded, screened - pending, z)) as excluded_high,  -- Upper end of its Wilson 95 % interval.
    macro.published(macro.share(started, included)) as started_rate,  -- Started / included.
    macro.published(macro.wilson_low(started, included, z)) as started_low,  -- Lower end of its Wilson 95 % interval.
    macro.published(macro.wilson_high(started, included, z)) as started_high,  -- Upper end of its Wilson 95 % interval.
    macro.published(macro.share(completed, due)) as completed_rate,  -- Completed / due.
    macro.published(macro.wilson_low(completed, due, z)) as completed_low,  -- Lower end of its Wilson 95 % interval.
    macro.published(macro.wilson_high(completed, due, z)) as completed_high,  -- Upper end of its Wilson 95 % interval.
    is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    suppression_reason  -- Why it is not shown.
from rounded
cross join quantile
order by all
