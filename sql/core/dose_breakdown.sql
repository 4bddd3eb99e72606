-- kept as: view
-- One row per dose, with its level in the breakdowns that only doses have: the route and band of the dose itself, its
-- place in the course, and its phase.
-- A NEW BREAKDOWN OF DOSES IS ONE LINE in `levels` below; an unknown level is published as `unknown`.
with
    numbers as (select distinct number_in_course from core.dose),
    ranges as (
        select numbers.number_in_course, dose_number.dose_number
        from numbers
        inner join
            ref.dose_number
            on numbers.number_in_course >= dose_number.from_number
            and (dose_number.to_number is null or numbers.number_in_course <= dose_number.to_number)
    )
select
    dose.session_id,  -- Dose (core.dose).
    dose.patient_id,  -- Pseudonym of the patient.
    dose.course_id,  -- Course of the dose; empty where the patient never completed one.
    {
        'dose_route':dose.route, 'dose_band':dose.dose_band, 'dose_number':ranges.dose_number, 'phase':dose.phase
    } as levels  -- Level of the dose in each breakdown.
from core.dose
left join ranges using (number_in_course)
