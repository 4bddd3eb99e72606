-- shard: course_id of core.course
-- One row per course, measure and window that names a baseline rule of its own (ref.window), where there is such a
-- baseline: the score that this window's change is counted from. Every other window is counted from core.baseline.
-- Scores in the days from baseline_from_days to day 0 count as they do there. Of these the rule takes the last, the
-- first, the worst, the mean of all, or the first_case: the earliest that is a case by the thresholds of the profile
-- whose window it is, and the first of all where none is.
with
    rules as (
        select
            window_id,
            baseline_pick,
            baseline_from_days,
            rule.instrument_id,
            scale.sign,
            rule.caseness_side,
            rule.caseness_cut
        from ref.window
        inner join ref.profile_window using (window_id)
        inner join ref.rule using (profile_id)
        inner join ref.scale using (instrument_id)
        where baseline_pick is not null and is_own
    ),
    candidates as (
        select
            course.course_id,
            score.instrument_id,
            rules.window_id,
            rules.baseline_pick,
            score.form_number,
            score.answered_on,
            score.answered_at,
            score.score,
            score.suicidality,
            row_number() over (
                partition by course.course_id, score.instrument_id, rules.window_id
                order by
                    case
                        when baseline_pick = 'first_case'
                        then not macro.meets(score.score, rules.caseness_side, rules.caseness_cut)
                    end,
                    case when baseline_pick = 'worst' then - rules.sign * score.score end,
                    case when baseline_pick in ('first', 'first_case') then score.answered_on end,
                    case when baseline_pick in ('first', 'first_case') then score.answered_at end,
                    score.answered_on desc,
                    score.answered_at desc nulls last,
                    score.form_number desc
            ) as place,
            sum(score.score) over of_course as total,
            count(*) over of_course as candidates
        from core.score
        inner join core.course using (patient_id)
        inner join rules using (instrument_id)
        where
            score.score is not null
            and not score.is_set_aside
            and score.answered_on between course.day_0 + rules.baseline_from_days and course.day_0
            and (score.answered_on < course.day_0 or coalesce(score.answered_at < course.day_0_at, true))
        window of_course as (partition by course.course_id, score.instrument_id, rules.window_id)
    )
select
    course_id,  -- Course.
    instrument_id,  -- Measure.
    window_id,  -- Window whose rule it is.
    case when baseline_pick = 'mean' then (total / candidates)::decimal(18, 6) else score end as baseline,  -- Score before treatment.
    answered_on as baseline_on,  -- Day of the score; of the last one where the mean is taken.
    form_number as baseline_form_number,  -- Form of the score; the last one where the mean is taken.
    suicidality  -- Whether that form's item about suicidal thoughts reaches its flag (core.score).
from candidates
where place = 1
