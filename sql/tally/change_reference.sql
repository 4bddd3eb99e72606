-- What clinically significant change is measured by: one row per measure that somebody has a baseline of.
-- The clinical population is everybody's baseline in this clinic, whatever became of them, so that reliable change and
-- cut-offs are
-- the same in every window; where there are too few (ref.change_setting), the clinical norm of the instrument's file.
-- The functional population and the reliability are those that the instrument's file uses.
-- What can't be made is empty: without reliability no reliable change, without a functional norm no cut-offs b and c.
-- Undisclosed: only report reads it, and only through release.change_reference.
with
    baselines as (
        select
            baseline.instrument_id,
            count(*) as n,
            sum(baseline.baseline) as sum_baseline,
            sum(baseline.baseline * baseline.baseline) as sum_baseline_squared
        from core.baseline
        semi join core.expected using (course_id, instrument_id)
        group by all
    ),
    populations as (
        select
            baselines.instrument_id,
            baselines.n,
            baselines.n >= setting.baselines_needed as is_enough,
            macro.share(baselines.sum_baseline, baselines.n) as mean_estimated,
            macro.spread(baselines.n, baselines.sum_baseline, baselines.sum_baseline_squared) as sd_estimated,
            clinical.mean::double as mean_norm,
            clinical.sd::double as sd_norm,
            functional.mean::double as mean_functional,
            functional.sd::double as sd_functional,
            reliability.r::double as reliability,
            scale.sign,
            setting.cutoff_deviations as deviations,
            normal.quantile_e15 / 1e15::double as critical
        from baselines
        inner join ref.scale using (instrument_id)
        cross join ref.change_setting as setting
        inner join ref.change_method as method on method.is_usual
        inner join ref.normal on method.probability = normal.probability
        left join
            ref.norm as clinical
            on baselines.instrument_id = clinical.instrument_id
            and clinical.kind = 'clinical'
            and clinical.is_used
        left join
            ref.norm as functional
            on baselines.instrument_id = functional.instrument_id
            and functional.kind = 'functional'
            and functional.is_used
        left join ref.reliability on baselines.instrument_id = reliability.instrument_id and reliability.is_used
    ),
    clinical as (
        select
            *,
            case
                when is_enough then 'estimated' when sd_norm is not null then 'norm' else 'none'
            end as baseline_source,
            case when is_enough then mean_estimated else mean_norm end as mean_baseline,
            case when is_enough then sd_estimated else sd_norm end as sd_baseline
        from populations
    ),
    errors as (select *, macro.measuring_error(sd_baseline, reliability) as error from clinical)
select
    instrument_id,  -- Measure.
    baseline_source,  -- Where mean and spread before treatment come from: estimated, norm or none.
    'all' as breakdown,  -- Everybody.
    'all' as level,  -- Everybody.
    n,  -- Courses with a baseline.
    mean_baseline,  -- Mean before treatment, points.
    sd_baseline,  -- Its standard deviation.
    reliability,  -- Reliability of the measure.
    mean_functional,  -- Mean of the functional population, points.
    sd_functional,  -- Its standard deviation.
    error,  -- Standard error of measuring, points.
    sqrt(2) * error as s_diff,  -- Standard error of a difference, points.
    critical * sqrt(2) * error as reliable_change,  -- Least reliable change by Jacobson and Truax, points.
    macro.cutoff_a(mean_baseline, sd_baseline, sign, deviations) as cutoff_a,  -- Cut-off a, points.
    macro.cutoff_b(mean_functional, sd_functional, sign, deviations) as cutoff_b,  -- Cut-off b, points.
    macro.cutoff_c(mean_baseline, sd_baseline, mean_functional, sd_functional) as cutoff_c,  -- Cut-off c, points.
    macro.cutoff_c(
        mean_baseline, macro.true_spread(sd_baseline, error), mean_functional, macro.true_spread(sd_functional, error)
    ) as cutoff_true  -- Cut-off c between true scores, which Hageman and Arrindell use, points.
from errors
order by all
