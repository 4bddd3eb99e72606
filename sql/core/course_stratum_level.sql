-- One row per combination of course levels and breakdown: the level of the combination. What breakdowns there are
-- stands
-- in core.course_breakdown. Doses that belong to no course are in the total, and unknown in every other breakdown.
with
    levels as (
        select combination.course_stratum_id, entry.key as breakdown, coalesce(entry.value ->> '$', 'unknown') as level
        from core.course_combination as combination, json_each(combination.levels::json) as entry
    ),
    without_course as (
        select distinct breakdown, case when breakdown = 'all' then 'all' else 'unknown' end as level from levels
    )
select
    course_stratum_id,  -- Combination of levels.
    breakdown,  -- Breakdown.
    level  -- Level in the breakdown.
from levels
union all
select
    0 as course_stratum_id,  -- Combination of levels.
    breakdown,  -- Breakdown.
    level  -- Level in the breakdown.
from without_course
