-- shard: course_id of core.course
-- One row per course and measure with a baseline: the score before treatment.
-- Scores in the days from baseline_from_days to day 0 count (ref.setting); on day 0 only those from before the first
-- session started, or
-- where a time is not known. Which of them is taken (baseline_pick): last, first, worst, or the mean of all. Scores
-- set aside do not count.
-- Caveat: `worst` overstates the effect of treatment, since extreme scores move to the mean by themselves; it is
-- there to show that.
with
    candidates as (
        select
            course.course_id,
            score.instrument_id,
            score.form_number,
            score.answered_on,
            score.answered_at,
            score.score,
            score.suicidality,
            scale.sign,
            setting.baseline_pick
        from core.score
        inner join core.course using (patient_id)
        inner join ref.scale using (instrument_id)
        cross join ref.setting
        where
            score.score is not null
            and not score.is_set_aside
            and score.answered_on between course.day_0 + setting.baseline_from_days and course.day_0
            and (score.answered_on < course.day_0 or coalesce(score.answered_at < course.day_0_at, true))
    ),
    ranked as (
        select
            candidates.*,
            row_number() over (
                partition by course_id, instrument_id
                order by
                    case when baseline_pick = 'worst' then - sign * score end,
                    case when baseline_pick = 'first' then answered_on end,
                    case when baseline_pick = 'first' then answered_at end,
                    answered_on desc,
                    answered_at desc nulls last,
                    form_number desc
            ) as place,
            count(*) over (partition by course_id, instrument_id) as candidates,
            sum(score) over (partition by course_id, instrument_id) as total,
            first_value(score) over in_time as candidate_first,
            last_value(score) over in_time as candidate_last
        from candidates
        window
            in_time as (
                partition by course_id, instrument_id
                order by answered_on, answered_at nulls first, form_number
                rows between unbounded preceding and unbounded following
            )
    ),
    baselines as (
        select
            course_id,
            instrument_id,
            case when baseline_pick = 'mean' then (total / candidates)::decimal(18, 6) else score end as baseline,
            answered_on as baseline_on,
            form_number as baseline_form_number,
            suicidality,
            candidates,
            total,
            candidate_first,
            candidate_last
        from ranked
        where place = 1
    )
select
    baselines.course_id,  -- Course.
    baselines.instrument_id,  -- Measure.
    baselines.baseline,  -- Score before treatment.
    baselines.baseline_on,  -- Day of the score; of the last one where the mean is taken.
    baselines.baseline_form_number,  -- Form of the score; the last one where the mean is taken.
    baselines.candidates::integer as candidates,  -- Scores that could have been the baseline.
    baselines.total::decimal(18, 6) as candidate_total,  -- Sum of these.
    baselines.candidate_first,  -- The earliest of them.
    baselines.candidate_last,  -- The latest of them.
    baselines.suicidality,  -- Whether that form's item about suicidal thoughts reaches its flag (core.score).
    arg_max(band.band_id, band.low) as severity  -- Band of the baseline in the measure's default set: the highest whose low end it reaches.
from baselines
left join
    ref.band on baselines.instrument_id = band.instrument_id and band.is_default_set and baselines.baseline >= band.low
group by all
