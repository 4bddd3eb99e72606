-- How often each value occurs among the doses, by level of every breakdown of courses and of doses; what means, spreads
-- and medians are made from.
-- Undisclosed: only report reads it, and only through release.dose_value.
with
    values_by_stratum as (
        select stratum.course_stratum_id, stratum.dose_stratum_id, recorded.value_id, recorded.value, count(*) as doses
        from core.dose_value as recorded
        inner join core.dose_stratum as stratum using (session_id)
        group by all
    ),
    values_by_level as (
        select level.breakdown, level.level, found.value_id, found.value, sum(found.doses) as doses
        from values_by_stratum as found
        inner join core.course_stratum_level as level using (course_stratum_id)
        group by all
        union all
        select level.breakdown, level.level, found.value_id, found.value, sum(found.doses) as doses
        from values_by_stratum as found
        inner join core.dose_stratum_level as level using (dose_stratum_id)
        group by all
    )
select
    value_id,  -- Value (ref.dose_value).
    breakdown,  -- By what the doses are grouped.
    level,  -- Group.
    value,  -- The value, in its unit.
    doses::bigint as doses  -- Doses with that value.
from values_by_level
