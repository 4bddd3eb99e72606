-- shard: course_id of core.course
-- One row per course and measure that is expected of it, and why: the report's profile maps the course's indication
-- and programme to the
-- measure's questionnaire, or the patient has answered it at least once. What the profile calls optional is expected
-- of those who ever
-- answer it, and of nobody else.
with
    mapped as (
        select course.course_id, scale.instrument_id
        from core.course
        cross join ref.setting
        inner join
            ref.expected
            on expected.profile_id = setting.profile_id
            and expected.role is distinct from 'optional'
            and coalesce(expected.indication = course.indication, expected.indication is null)
            and coalesce(expected.programme_id = course.programme_id, expected.programme_id is null)
        inner join ref.scale on expected.instrument_id in (scale.instrument_id, scale.questionnaire_id)
        group by all
    ),
    answered_by_patient as (select distinct patient_id, instrument_id from core.score),
    answered as (
        select course.course_id, answered_by_patient.instrument_id
        from core.course
        inner join answered_by_patient using (patient_id)
    )
select
    coalesce(mapped.course_id, answered.course_id) as course_id,  -- Course.
    coalesce(mapped.instrument_id, answered.instrument_id) as instrument_id,  -- Measure that is expected of it.
    case when mapped.course_id is not null then 'profile' else 'answered' end as because  -- Mapped by the profile, or only answered.
from mapped
full join answered on mapped.course_id = answered.course_id and mapped.instrument_id = answered.instrument_id
