-- kept as: view
-- One row per course and measure that is expected of it, with its level in every breakdown of the published tables.
-- The breakdowns are those of core.course_breakdown, and beside them those that depend on the measure.
select
    expected.course_id,  -- Course.
    expected.instrument_id,  -- Measure.
    struct_concat(course_breakdown.levels, {'baseline_severity':baseline.severity}) as levels  -- Level of the course in each breakdown.
from core.expected
inner join core.course_breakdown using (course_id)
left join core.baseline on expected.course_id = baseline.course_id and expected.instrument_id = baseline.instrument_id
