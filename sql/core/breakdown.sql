-- kept as: view
-- One row per course and measure that is expected of it, with its level in every breakdown of the published tables.
-- A NEW BREAKDOWN IS ONE LINE in `levels` below: its name and where its level comes from; an unknown level is
-- published as `unknown`.
select
    expected.course_id,  -- Course.
    expected.instrument_id,  -- Measure.
    {
        'all':'all',
        'site':course.site_id,
        'programme':course.programme_id,
        'indication':course.indication,
        'route':course.route,
        'format':course.format,
        'treatment_resistance':course.treatment_resistance,
        'baseline_severity':baseline.severity
    } as levels  -- Level of the course in each breakdown.
from core.expected
inner join core.course using (course_id)
left join core.baseline on expected.course_id = baseline.course_id and expected.instrument_id = baseline.instrument_id
