-- What others have published, beside the clinic's own figure of the same metric, measure, window and indication: one
-- row per published figure.
-- A line to read beside one's own and never a target: other patients, other windows, other rules for who is counted.
-- Studies stand in ref.benchmark, negative ones included; NHS Talking Therapies in England in ref.national_rate and
-- ref.national_score, year by year: talking therapy, not ketamine.
-- Intervals are as published; where none was, the Wilson interval of the share and its n (`computed`), or none.
-- The clinic's own figures come from release.outcome, so what is hidden there is hidden here.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    studies as (
        select
            benchmark.* exclude (low, high),
            case
                when benchmark.low is not null or benchmark.high is not null
                then 'published'
                when benchmark.unit = 'share' and benchmark.value is not null and benchmark.n is not null
                then 'computed'
            end as interval_is,
            case when interval_is = 'computed' then macro.wilson_low(value * n, n, z) else benchmark.low end as low,
            case when interval_is = 'computed' then macro.wilson_high(value * n, n, z) else benchmark.high end as high
        from ref.benchmark
        cross join quantile
    ),
    national_rates as (
        select
            'nhs_talking_therapies' as study_id,
            'NHS Talking Therapies, annual report ' || reporting_period as citation,
            'routine talking therapy, England' as setting,
            'national register; no ketamine' as design,
            'depression and anxiety disorders' as population,
            'none' as route,
            instrument_id,
            profile_id,
            metric_id,
            window_id,
            reporting_period as published_window,
            replace(replace(metric_id, 'pair_', ''), '_', ' ') as figure,
            denominator as n,
            macro.share(numerator, denominator) as value,
            'computed' as interval_is,
            macro.wilson_low(numerator, denominator, z) as low,
            macro.wilson_high(numerator, denominator, z) as high,
            'share' as unit,
            'Over finished courses, and for recovery less those that were no case' as note,
            source || '. ' || licence as source,
            status,
            reviewed_on
        from ref.national_rate
        cross join quantile
    ),
    national_scores as (
        select
            'nhs_talking_therapies' as study_id,
            'NHS Talking Therapies, annual report ' || reporting_period as citation,
            'routine talking therapy, England' as setting,
            'national register; no ketamine' as design,
            'depression and anxiety disorders' as population,
            'none' as route,
            instrument_id,
            reporting_period as published_window,
            therapy as arm,
            unnest(
                [
                    'mean before',
                    'standard deviation before',
                    'mean after',
                    'standard deviation after',
                    'effect size, change / standard deviation before'
                ]
            ) as figure,
            unnest([mean_baseline, sd_baseline, mean_score, sd_score, effect_size]) as value,
            unnest(['points', 'points', 'points', 'points', 'd']) as unit,
            source || '. ' || licence as source,
            status,
            reviewed_on
        from ref.national_score
    ),
    own as (
        select
            profile_id,
            metric_id,
            instrument_id,
            window_id,
            breakdown,
            level,
            macro.rounded(enrolled, unit) as enrolled,
            macro.rounded(eligible, unit) as eligible,
            macro.rounded(measured, unit) as measured,
            macro.rounded(denominator, unit) as denominator,
            macro.rounded(numerator, unit) as numerator,
            is_suppressed
        from release.outcome
    ),
    published as (
        from studies
        union all by name
        from national_rates
        union all by name
        from national_scores
    )
select
    published.study_id,  -- Study.
    published.figure,  -- What was counted, in the study's words.
    published.arm,  -- Group of the study; empty where it is all of it.
    published.published_window,  -- When, in the study's words.
    published.instrument_id,  -- Measure; empty where the study used another one.
    published.metric_id,  -- Metric of this house that asks the same; empty where none does.
    published.profile_id,  -- Profile whose thresholds are the study's.
    published.window_id,  -- Window of this house that comes nearest.
    published.indication,  -- Indication that the own figure is of; empty for all patients.
    published.citation,  -- Where it was published.
    published.setting,  -- Where patients were treated.
    published.design,  -- How it was studied.
    published.population,  -- Who was treated.
    published.route,  -- Route of administration.
    published.n,  -- People the figure is over.
    published.n_of,  -- People treated or randomised; empty where not said.
    macro.published(macro.share(published.n, published.n_of)) as coverage,  -- n / n_of.
    macro.published(published.value) as value,  -- The published figure; empty where the study gives a range, or only says that there was no difference.
    macro.published(published.low) as low,  -- Lower end of its 95 % interval, or of the range.
    macro.published(published.high) as high,  -- Upper end.
    published.interval_is,  -- Whether the interval or range was published, or computed here (Wilson, from the share and n).
    published.unit,  -- Share (0 to 1), points, d, days, mmHg.
    own.enrolled as own_enrolled,  -- The clinic's courses whose window has passed.
    own.numerator as own_numerator,  -- Those that meet the condition.
    own.denominator as own_denominator,  -- Those the clinic's rate is over.
    macro.published(macro.share(own.measured, own.eligible)) as own_coverage,  -- Measured / eligible.
    macro.published(macro.share(own.numerator, own.denominator)) as own_rate,  -- The clinic's own rate.
    macro.published(macro.wilson_low(own.numerator, own.denominator, z)) as own_low,  -- Lower end of its Wilson 95 % interval.
    macro.published(macro.wilson_high(own.numerator, own.denominator, z)) as own_high,  -- Upper end.
    case
        when published.metric_id is null
        then 'none fits'
        when own.metric_id is null
        then 'none yet'
        when own.is_suppressed
        then 'hidden'
        when coalesce(own.denominator, 0) = 0
        then 'nobody measured'
        else 'shown'
    end as own_is,  -- Whether the clinic has a figure of its own to read beside it.
    'Not a target: other patients, other windows, other rules for who is counted.' || coalesce(
        ' The study measured '
        || round(100 * macro.share(published.n, published.n_of), 1)::decimal(9, 1)::varchar
        || ' % of those it treated.',
        ''
    )
    || coalesce(' ' || nullif(published.note, '') || '.', '') as reading,  -- How to read the two beside each other.
    published.source,  -- Where the figure was seen, and its licence where it has one.
    published.status,  -- Whether that source was seen; unverified where not.
    published.reviewed_on  -- When the figure was last looked at.
from published
left join
    own
    on published.profile_id = own.profile_id
    and published.metric_id = own.metric_id
    and published.instrument_id = own.instrument_id
    and published.window_id = own.window_id
    and own.breakdown = case when published.indication is null then 'all' else 'indication' end
    and own.level = coalesce(published.indication, 'all')
cross join quantile
order by all
