-- Adverse events: one row per kind and group, over the doses that were given, per patient, per dose and per month at
-- risk.
-- No event is a true zero, with the upper limit that a zero still allows.
-- Caveat: counts what was recorded. A clinic that does not ask finds nothing.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    rounded as (
        select
            kind_id,
            breakdown,
            level,
            macro.rounded(patients, unit) as patients,
            macro.rounded(patients_with_event, unit) as patients_with_event,
            macro.rounded(doses, unit) as doses,
            macro.rounded(doses_with_event, unit) as doses_with_event,
            macro.rounded(events, unit) as events,
            days,
            is_suppressed,
            suppression_reason,
            as_of
        from release.event
    ),
    limited as (
        select
            rounded.*,
            rounded.days / exposure.days_per_month::double as months,
            macro.poisson_low(rounded.events, poisson.low_e12, z) as events_low,
            macro.poisson_high(rounded.events, poisson.high_e12, z) as events_high
        from rounded
        left join ref.poisson using (events)
        cross join quantile
        cross join ref.exposure
    )
select
    limited.kind_id,  -- Kind of event.
    kind.title,  -- Name of the kind.
    limited.breakdown,  -- By what the doses are grouped; all for the total.
    limited.level,  -- Group; (pooled) for those too small to be shown by themselves.
    limited.patients,  -- Patients with a dose.
    limited.patients_with_event,  -- Of these, patients with such an event.
    macro.published(macro.share(limited.patients_with_event, limited.patients)) as patient_rate,  -- Patients with one / patients.
    macro.published(macro.wilson_low(limited.patients_with_event, limited.patients, z)) as patient_rate_low,  -- Lower end of its Wilson 95 % interval.
    macro.published(macro.wilson_high(limited.patients_with_event, limited.patients, z)) as patient_rate_high,  -- Upper end of its Wilson 95 % interval.
    limited.doses,  -- Doses.
    limited.doses_with_event,  -- Of these, doses with such an event.
    limited.events,  -- Such events.
    macro.published(limited.events / nullif(limited.doses, 0)::double) as events_per_dose,  -- Events / doses.
    macro.published(limited.events_low / nullif(limited.doses, 0)) as events_per_dose_low,  -- Lower end of its exact Poisson 95 % interval.
    macro.published(limited.events_high / nullif(limited.doses, 0)) as events_per_dose_high,  -- Upper end of its exact Poisson 95 % interval.
    macro.published(limited.months) as months_at_risk,  -- Months at risk of the courses together; empty for levels of doses.
    macro.published(limited.events / nullif(limited.months, 0)) as events_per_month,  -- Events / months at risk.
    macro.published(limited.events_low / nullif(limited.months, 0)) as events_per_month_low,  -- Lower end of its exact Poisson 95 % interval.
    macro.published(limited.events_high / nullif(limited.months, 0)) as events_per_month_high,  -- Upper end of its exact Poisson 95 % interval.
    limited.is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    limited.suppression_reason,  -- Why it is not shown.
    limited.as_of  -- As-of date of the numbers: the release's own, or an earlier one where they are held (published.held).
from limited
inner join ref.event_kind as kind using (kind_id)
cross join quantile
order by all
