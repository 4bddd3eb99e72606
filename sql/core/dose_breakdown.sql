-- kept as: view
-- One row per dose, with its level in the breakdowns that only doses have: the route and band of the dose itself, its
-- place in the course, and its phase.
-- A NEW BREAKDOWN OF DOSES IS ONE LINE in `levels` below; an unknown level is published as `unknown`.
select
    dose.session_id,  -- Dose (core.dose).
    {
        'dose_route':dose.route, 'dose_band':dose.dose_band, 'dose_number':dose_number.dose_number, 'phase':dose.phase
    } as levels  -- Level of the dose in each breakdown.
from core.dose
left join
    ref.dose_number
    on dose.number_in_course >= dose_number.from_number
    and (dose_number.to_number is null or dose.number_in_course <= dose_number.to_number)
