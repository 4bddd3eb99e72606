-- One row per dose: the combinations of dose levels and of course levels that it belongs to.
select
    dose.session_id,  -- Dose (core.dose).
    dose.patient_id,  -- Pseudonym of the patient.
    combination.dose_stratum_id,  -- Combination of dose levels (core.dose_stratum_level).
    coalesce(course_stratum.course_stratum_id, 0) as course_stratum_id  -- Combination of course levels; 0 without a course.
from core.dose_breakdown as dose
inner join core.dose_combination as combination using (levels)
left join core.course_stratum using (course_id)
