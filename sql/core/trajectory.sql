-- kept as: view
-- shard: course_id of core.course
-- One row per course, measure that is expected of it, and scored form after treatment began: the way of the score.
-- Which forms follow up which course is said at core.follow_up, which holds only the one picked for each window.
-- A medicine session of the form's own day was given before it if the form was filled in after that day's first
-- session began.
with
    treatments as (select course_id, list(2 * days) as moments from core.session where is_treatment group by all),
    pairs as materialized(
        select
            expected.course_id,
            expected.instrument_id,
            course.patient_id,
            course.day_0,
            course.day_0_at,
            course.next_day_0,
            treatments.moments,
            baseline.baseline,
            scale.sign
        from core.expected
        inner join core.course using (course_id)
        inner join ref.scale using (instrument_id)
        left join treatments using (course_id)
        left join
            core.baseline on expected.course_id = baseline.course_id and expected.instrument_id = baseline.instrument_id
    ),
    forms as (
        select
            pairs.course_id,
            pairs.instrument_id,
            pairs.baseline,
            pairs.sign,
            pairs.moments,
            score.form_number,
            score.answered_on,
            score.score,
            (score.answered_on - pairs.day_0)::integer as days,
            2 * (score.answered_on - pairs.day_0)::integer + score.is_after_treatment::integer as moment
        from core.score
        inner join pairs using (patient_id, instrument_id)
        where
            score.score is not null
            and not score.is_set_aside
            and score.answered_on >= pairs.day_0
            and (pairs.next_day_0 is null or score.answered_on < pairs.next_day_0)
            and (score.answered_on > pairs.day_0 or score.answered_at > pairs.day_0_at)
    )
select
    course_id,  -- Course.
    instrument_id,  -- Measure.
    (row_number() over (partition by course_id, instrument_id order by moment))::integer as form_in_order,  -- Place among the course's forms, from 1.
    form_number,  -- Form (core.form).
    answered_on,  -- Day of the form.
    days,  -- Days from day 0 to the form.
    moment,  -- Twice the days, and one more if filled in after a session of that day; no two forms share it.
    len(list_filter(moments, lambda treated:treated < moment))::integer as sessions,  -- Medicine sessions of the course before the form.
    baseline,  -- Score before treatment (core.baseline).
    score,  -- Score.
    (sign * (baseline - score))::decimal(18, 6) as improvement  -- Points since baseline, positive where better.
from forms
