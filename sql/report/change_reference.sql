-- What clinically significant change means on each measure, in points: the reliable change, the cut-offs, and what they
-- were made from.
-- The clinical population is this clinic's own baselines (baseline_source estimated), or the clinical norm of the
-- instrument's file
-- (norm). So the lines move a little as patients come; published.definition has those that don't.
-- Points are given to two decimals.
with
    rows as (
        select
            reference.*,
            scale.direction,
            reliability.kind as reliability_kind,
            reliability.source as reliability_source,
            reliability.status as reliability_status,
            clinical.source as clinical_source,
            functional.population as functional_population,
            functional.source as functional_source,
            functional.status as functional_status
        from release.change_reference as reference
        left join ref.scale using (instrument_id)
        left join ref.reliability on reference.instrument_id = reliability.instrument_id and reliability.is_used
        left join
            ref.norm as clinical
            on reference.instrument_id = clinical.instrument_id
            and clinical.kind = 'clinical'
            and clinical.is_used
        left join
            ref.norm as functional
            on reference.instrument_id = functional.instrument_id
            and functional.kind = 'functional'
            and functional.is_used
    )
select
    instrument_id,  -- Measure.
    direction,  -- Whether lower or higher scores are better.
    baseline_source,  -- Mean and spread before treatment: estimated from this clinic's baselines, of a norm, or none.
    macro.rounded(n, unit) as n,  -- Courses with a baseline.
    round(mean_baseline, 2) as mean_baseline,  -- Mean before treatment, points.
    round(sd_baseline, 2) as sd_baseline,  -- Its standard deviation.
    round(s_diff, 2) as s_diff,  -- Standard error of a difference: sd_baseline x root of 2 (1 - reliability), points.
    round(reliable_change, 2) as reliable_change,  -- Least reliable change by Jacobson and Truax: 1.96 of these, points.
    round(cutoff_a, 2) as cutoff_a,  -- Two standard deviations better than the mean before treatment, points.
    round(cutoff_b, 2) as cutoff_b,  -- Two standard deviations worse than the functional mean, points.
    round(cutoff_c, 2) as cutoff_c,  -- Between both means, weighted by their standard deviations, points.
    round(cutoff_true, 2) as cutoff_true,  -- The same between true scores (Hageman and Arrindell), points.
    case
        when is_suppressed then null when cutoff_c is not null then 'c' when cutoff_a is not null then 'a'
    end as cutoff_id,  -- The cut-off that methods with one cut-off use.
    case
        when is_suppressed
        then null
        when reliability_kind is null
        then 'no_reliability'
        when baseline_source = 'none'
        then 'few_baselines'
        when not coalesce(reliable_change > 0, false)
        then 'no_spread'
    end as reason,  -- Why no course is in a category (ref.change_reason); empty where they are.
    reliability,  -- Reliability of the measure.
    reliability_kind,  -- What kind of reliability.
    reliability_source,  -- Where it comes from.
    reliability_status,  -- Whether that source was seen; unverified where not.
    case when baseline_source = 'norm' then clinical_source end as clinical_source,  -- Where the clinical norm comes from.
    mean_functional,  -- Mean of the functional population, points.
    sd_functional,  -- Its standard deviation.
    functional_population,  -- Who the functional population is.
    functional_source,  -- Where its norm comes from.
    functional_status,  -- Whether that source was seen; unverified where not.
    is_suppressed,  -- Whether too few courses have a baseline; its numbers are empty, which is not zero.
    suppression_reason  -- Why it is not shown.
from rows
order by all
