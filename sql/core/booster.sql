-- shard: patient_id
-- One row per booster: a completed maintenance session behind the last induction session of its course.
-- Caveat: courses without an induction (all their sessions are labelled maintenance) have no boosters here.
with
    treatments as (
        select
            session.course_id,
            session.patient_id,
            session.session_id,
            session.started_on,
            session.days,
            session.phase,
            max(session.treatment_number) filter (where session.phase = 'induction') over (
                partition by session.course_id
            ) as last_of_induction,
            session.treatment_number,
            lag(session.days) over in_order as days_before,
            lead(session.days) over in_order as days_next
        from core.session
        where session.is_treatment
        window in_order as (partition by session.course_id order by session.treatment_number)
    )
select
    session_id,  -- Session of the booster (core.session).
    patient_id,  -- Pseudonym of the patient.
    course_id,  -- Course.
    row_number() over (partition by course_id order by treatment_number)::integer as number,  -- Place among the boosters of the course, from 1.
    started_on,  -- Calendar date of the booster at the site.
    days,  -- Days since day 0 of the course.
    days_before::integer as days_before,  -- Days since day 0 of the medicine session before it.
    days_next::integer as days_next  -- Days since day 0 of the medicine session after it; empty for the last of the course.
from treatments
where phase = 'maintenance' and treatment_number > last_of_induction
