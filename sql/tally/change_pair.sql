-- Which category a baseline and a follow-up score make: one row per measure, window, method, cut-off and pair of scores
-- that occurs.
-- Jacobson-Truax is judged by every cut-off there is; the other methods by c, or by a where the instrument has no
-- functional norm;
-- Hageman-Arrindell, which cuts between true scores, by c alone, and only where there are enough pairs.
-- Equality counts as reliable change; a score on the cut-off is not functional.
with
    pairs as (
        select distinct
            instrument_id,
            window_id,
            baseline::double as baseline_points,
            score::double as score_points,
            baseline,
            score
        from core.outcome_alike
        where is_due and baseline is not null and score is not null
    ),
    windows as (
        select
            score.instrument_id,
            score.window_id,
            macro.share(score.sum_baseline, score.n) as mean_baseline,
            macro.share(score.sum_score, score.n) as mean_score,
            macro.share(score.sum_change, score.n) as mean_change,
            macro.reliability_among(
                macro.spread(score.n, score.sum_baseline, score.sum_baseline_squared), reference.error
            ) as r_baseline,
            macro.reliability_among(
                macro.spread(score.n, score.sum_score, score.sum_score_squared), reference.error
            ) as r_score,
            macro.reliability_among(
                macro.spread(score.n, score.sum_change, score.sum_change_squared), reference.s_diff
            ) as r_change
        from tally.score
        inner join tally.change_reference as reference using (instrument_id)
        cross join ref.change_setting as setting
        where score.breakdown = 'all' and score.n >= setting.baselines_needed
    ),
    indices as (
        select
            pairs.*,
            scale.sign,
            reference.cutoff_a,
            reference.cutoff_b,
            reference.cutoff_c,
            case when reference.cutoff_c is null then 'a' else 'c' end as usual_cutoff,
            macro.change_jt(baseline_points, score_points, error, sign) as change_jt,
            macro.change_en(
                baseline_points, score_points, reference.mean_baseline, reliability, error, sign
            ) as change_en,
            macro.change_gln(
                baseline_points, score_points, reference.mean_baseline, sd_baseline, reliability, sign
            ) as change_gln,
            macro.change_ha(baseline_points, score_points, mean_change, r_change, error, sign) as change_ha,
            macro.beyond_ha(
                baseline_points, windows.mean_baseline, r_baseline, cutoff_true, error, sign
            ) as baseline_beyond,
            macro.beyond_ha(score_points, mean_score, r_score, cutoff_true, error, sign) as score_beyond
        from pairs
        inner join tally.change_reference as reference using (instrument_id)
        inner join ref.scale using (instrument_id)
        left join windows using (instrument_id, window_id)
        where reference.reliable_change > 0
    ),
    methods as (
        select
            method.method_id,
            method.every_cutoff,
            method.is_usual,
            method.method_id = 'ha' as is_true_score,
            normal.quantile_e15 / 1e15::double as critical
        from ref.change_method as method
        inner join ref.normal using (probability)
    ),
    asked as (
        select
            indices.*,
            methods.method_id,
            methods.critical,
            methods.is_true_score,
            cutoff.cutoff_id,
            case cutoff.cutoff_id when 'a' then cutoff_a when 'b' then cutoff_b else cutoff_c end as cutoff,
            methods.is_usual and cutoff.cutoff_id = indices.usual_cutoff as is_usual
        from indices
        cross join methods
        inner join ref.change_cutoff as cutoff on methods.every_cutoff or cutoff.cutoff_id = indices.usual_cutoff
    ),
    judged as (
        select
            asked.*,
            case
                method_id when 'jt' then change_jt when 'en' then change_en when 'gln' then change_gln else change_ha
            end as change,
            case
                when is_true_score
                then baseline_beyond >= critical
                else macro.is_functional(baseline_points, cutoff, sign)
            end as was_functional,
            case
                when is_true_score then score_beyond >= critical else macro.is_functional(score_points, cutoff, sign)
            end as is_functional
        from asked
    ),
    categorised as (
        select *, macro.change_category(change, critical, was_functional, is_functional) as category from judged
    )
select
    instrument_id,  -- Measure.
    window_id,  -- Window of the follow-up score.
    method_id,  -- Method (ref.change_method).
    cutoff_id,  -- Cut-off (ref.change_cutoff).
    is_usual,  -- Whether it's the usual method with its best cut-off: c, or a where there is no functional norm.
    baseline,  -- Score before treatment.
    score,  -- Follow-up score.
    change,  -- Change in units of its standard error, positive where better.
    category  -- Category (ref.change_category).
from categorised
where category is not null
