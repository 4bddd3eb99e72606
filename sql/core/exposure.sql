-- kept as: view
-- One row per course: how long it was at risk of adverse events, from its first dose to some days after its last
-- (ref.exposure), to the patient's next course or to the as-of date, whichever comes first.
with last_doses as (select course_id, max(started_on) as last_dose_on from core.dose group by all)
select
    course.course_id,  -- Course.
    course.patient_id,  -- Pseudonym of the patient.
    greatest(
        least(
            last_doses.last_dose_on + exposure.days_after_last_dose::integer,
            coalesce(course.next_day_0, setting.as_of),
            setting.as_of
        )
        - course.day_0,
        0
    )::bigint as days  -- Days at risk.
from core.course
inner join last_doses using (course_id)
cross join ref.exposure
cross join ref.setting
