-- How often each value occurs among the doses, by level of every breakdown of courses and of doses; what means, spreads
-- and medians are made from.
-- Undisclosed: only report reads it, and only through release.dose_value.
with
    values_by_stratum as (
        select course_stratum_id, dose_stratum_id, place, value, count(*) as doses from core.dose_value group by all
    ),
    values_by_level as (
        select level.breakdown, level.level, found.place, found.value, sum(found.doses) as doses
        from values_by_stratum as found
        inner join core.course_stratum_level as level using (course_stratum_id)
        group by all
        union all
        select level.breakdown, level.level, found.place, found.value, sum(found.doses) as doses
        from values_by_stratum as found
        inner join core.dose_stratum_level as level using (dose_stratum_id)
        group by all
    )
select
    dose_value.value_id,  -- Value (ref.dose_value).
    found.breakdown,  -- By what the doses are grouped.
    found.level,  -- Group.
    found.value,  -- The value, in its unit.
    found.doses::bigint as doses  -- Doses with that value.
from values_by_level as found
inner join ref.dose_value on found.place = dose_value.ordinal
