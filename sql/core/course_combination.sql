-- One row per combination of course levels that occurs, so that figures are counted once per combination and summed to
-- breakdowns after. Number 0 is the combination of doses that belong to no course.
with combinations as (select distinct levels from core.course_breakdown)
select
    row_number() over (order by levels)::integer as course_stratum_id,  -- Number of the combination.
    levels  -- Level in each breakdown.
from combinations
