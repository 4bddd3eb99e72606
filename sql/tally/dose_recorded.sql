-- How many doses, and how many patients, each value was recorded of, by level of every breakdown of courses and of
-- doses.
-- Undisclosed: only report reads it, and only through release.dose_recorded.
with
    counted_patients as (
        select
            dose_value.value_id,
            found.breakdown,
            found.level,
            sum(found.patients) as patients,
            sum(found.patients) filter (
                where found.recorded & (1::ubigint << dose_value.ordinal::ubigint) > 0
            ) as patients_recorded
        from tally.patient_set as found
        cross join ref.dose_value
        group by all
    ),
    counted_doses as (select value_id, breakdown, level, sum(doses) as recorded from tally.dose_value group by all)
select
    counted_patients.value_id,  -- Value (ref.dose_value).
    counted_patients.breakdown,  -- By what the doses are grouped.
    counted_patients.level,  -- Group.
    counted_patients.patients::bigint as patients,  -- Patients with a dose.
    coalesce(counted_patients.patients_recorded, 0)::bigint as patients_recorded,  -- Patients with a dose of which it was recorded.
    coalesce(counted_doses.recorded, 0)::bigint as recorded  -- Doses of which it was recorded.
from counted_patients
left join counted_doses using (value_id, breakdown, level)
