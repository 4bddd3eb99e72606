-- Why screening excluded patients, by level of every breakdown of patients. A patient has one reason.
-- Undisclosed: only report reads it, and only through release.exclusion.
with
    people as (
        select
            [
                {'breakdown':'all', 'level':'all'},
                {'breakdown':'site', 'level':site_id},
                {'breakdown':'programme', 'level':programme_id},
                {'breakdown':'indication', 'level':indication}
            ] as levels,
            exclusion_reason
        from core.patient
        where screen_result = 'excluded'
    ),
    spread as (select unnest(levels) as place, exclusion_reason from people)
select
    'excluded' as step_id,  -- Step of the screening log that it belongs to.
    place.breakdown as breakdown,  -- By what the patients are grouped.
    coalesce(place.level, 'unknown') as level,  -- Group.
    coalesce(exclusion_reason, 'unknown') as exclusion_reason,  -- Reason, in the words of the export.
    count(*) as patients  -- Patients who were excluded for it.
from spread
group by all
