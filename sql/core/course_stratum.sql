-- One row per course: the combination of levels that it belongs to.
select
    course_breakdown.course_id,  -- Course.
    combination.course_stratum_id  -- Combination of levels (core.course_stratum_level).
from core.course_breakdown
inner join core.course_combination as combination using (levels)
