-- The screening log: one row per step and group of patients, with how many came to it and of how many it is so.
-- Caveat: exports do not say how many doses were planned. A patient counts as through if the last dose that was booked
-- for the induction was given; where a clinic deletes the bookings of those who left, they seem to be through.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    rounded as (
        select
            step_id,
            breakdown,
            level,
            macro.rounded(screened, unit) as screened,
            macro.rounded(asked, unit) as asked,
            macro.rounded(taken, unit) as taken,
            is_suppressed,
            suppression_reason,
            as_of
        from release.screening
    )
select
    rounded.step_id,  -- Step: excluded, started or completed.
    step.ordinal,  -- Place in lists.
    step.title,  -- What the rate says.
    step.asked_of,  -- Whom the step is asked of.
    rounded.breakdown,  -- By what the patients are grouped; all for the total.
    rounded.level,  -- Group; (pooled) for those too small to be shown by themselves.
    rounded.screened,  -- Patients with a day or a result of screening.
    rounded.asked,  -- Of these, patients who came to the step.
    macro.published(macro.share(rounded.asked, rounded.screened)) as coverage,  -- Asked / screened.
    rounded.taken,  -- Of the asked, patients of whom it is so.
    macro.published(macro.share(rounded.taken, rounded.asked)) as rate,  -- Taken / asked.
    macro.published(macro.wilson_low(rounded.taken, rounded.asked, z)) as rate_low,  -- Lower end of its Wilson 95 % interval.
    macro.published(macro.wilson_high(rounded.taken, rounded.asked, z)) as rate_high,  -- Upper end of its Wilson 95 % interval.
    rounded.is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    rounded.suppression_reason,  -- Why it is not shown.
    rounded.as_of  -- As-of date of the numbers: the release's own, or an earlier one where they are held (published.held).
from rounded
inner join ref.screening_step as step using (step_id)
cross join quantile
order by all
