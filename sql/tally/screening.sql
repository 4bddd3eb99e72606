-- The screening log, step by step (ref.screening_step): how many patients came to a step and how many took it, by level
-- of every breakdown of patients. Excluded, of those with a result; started, of the included; completed, of those whose
-- first induction is over.
-- A NEW BREAKDOWN OF PATIENTS IS ONE LINE in `levels` below; an unknown level is published as `unknown`.
-- Whoever began without a recorded result counts as included. Whoever was excluded counts as such, even if treated.
-- An induction is over as in tally.session_count. It was completed if the last dose that was booked for it was given.
-- Caveat: exports do not say how many doses were planned. Where a clinic deletes the bookings of those who left, they
-- seem to have completed.
-- Undisclosed: only report reads it, and only through release.screening.
with
    last_bookings as (
        select
            course.patient_id,
            arg_max(
                coalesce(session.status, 'completed') in ('completed', 'stopped_early'),
                row(session.started_on, session.session_id)
            ) as was_given
        from core.course
        inner join core.session using (course_id)
        where course.course_number = 1 and session.kind = 'medicine' and session.phase = 'induction'
        group by all
    ),
    firsts as (
        select
            course.patient_id,
            course.day_0 + setting.induction_days < setting.as_of
            and coalesce(course.end_of_induction_on + setting.induction_gap_days < setting.as_of, true) as is_over,
            coalesce(last_bookings.was_given, false) as was_given
        from core.course
        left join last_bookings using (patient_id)
        cross join ref.setting
        where course.course_number = 1
    ),
    people as (
        select
            [
                {'breakdown':'all', 'level':'all'},
                {'breakdown':'site', 'level':patient.site_id},
                {'breakdown':'programme', 'level':patient.programme_id},
                {'breakdown':'indication', 'level':patient.indication}
            ] as levels,
            coalesce(patient.screen_result = 'excluded', false) as is_excluded,
            coalesce(patient.screen_result in ('eligible', 'included'), false) as is_included,
            firsts.patient_id is not null as has_started,
            coalesce(firsts.is_over, false) as is_over,
            coalesce(firsts.was_given, false) as was_given
        from core.patient
        left join firsts using (patient_id)
        where patient.screened_on is not null or patient.screen_result is not null
    ),
    steps as (
        select
            levels,
            unnest(
                [
                    {'step_id':'excluded', 'asked':is_excluded or is_included or has_started, 'taken':is_excluded},
                    {
                        'step_id':'started',
                        'asked': not is_excluded and (is_included or has_started),
                        'taken':has_started
                    },
                    {'step_id':'completed', 'asked': not is_excluded and is_over, 'taken':was_given}
                ]
            ) as step
        from people
    ),
    spread as (select unnest(levels) as place, step from steps)
select
    step.step_id as step_id,  -- Step (ref.screening_step).
    place.breakdown as breakdown,  -- By what the patients are grouped.
    coalesce(place.level, 'unknown') as level,  -- Group.
    count(*) as screened,  -- Patients with a day or a result of screening.
    count(*) filter (step.asked) as asked,  -- Of these, patients who came to the step.
    count(*) filter (step.asked and step.taken) as taken  -- Of these, patients of whom it is so.
from spread
group by all
