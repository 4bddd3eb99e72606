-- kept as: view
-- One row per course and value that rules of courses are held against (ref.course_rule); a value that can't be known is
-- empty.
with
    courses as (
        select
            course.course_id,
            {
                'induction_sessions':course.induction_sessions::decimal(18, 6),
                'induction_days': (course.end_of_induction_on - course.day_0)::decimal(18, 6),
                'maintenance_sessions':course.maintenance_sessions::decimal(18, 6),
                'given_share': ((care.given - care.stopped_early) / nullif(care.planned, 0)::double)::decimal(18, 6),
                'routes_switched':care.has_switched_route::integer::decimal(18, 6),
                'programmes_switched':care.has_switched_programme::integer::decimal(18, 6),
                'largest_block':care.largest_block::decimal(18, 6),
                'preparation':care.preparation::decimal(18, 6),
                'integration_ratio': (care.integration / nullif(care.given, 0)::double)::decimal(18, 6),
                'format_as_promised': (care.promised_format = course.format)::integer::decimal(18, 6)
            } as measured
        from core.course
        left join core.course_care as care using (course_id)
    )
select
    courses.course_id,  -- Course.
    entry.key as value_id,  -- Value.
    (entry.value ->> '$')::decimal(18, 6) as value  -- The value; empty where it can't be known.
from courses, json_each(courses.measured::json) as entry
