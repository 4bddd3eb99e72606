-- kept as: view
-- One row per course with its level in every breakdown of the published tables that asks for no measure.
-- A NEW BREAKDOWN IS ONE LINE in `levels` below: its name and where its level comes from; an unknown level is
-- published as `unknown`.
select
    course_id,  -- Course.
    {
        'all':'all',
        'site':site_id,
        'programme':programme_id,
        'indication':indication,
        'route':route,
        'format':format,
        'treatment_resistance':treatment_resistance
    } as levels  -- Level of the course in each breakdown.
from core.course
