-- How many doses have the same rules asked, judged and met (core.dose_verdict), by level of every breakdown of
-- courses and
-- of doses.
-- Undisclosed: other tallies read it, and nothing else.
with
    doses_by_stratum as (
        select
            stratum.course_stratum_id,
            stratum.dose_stratum_id,
            verdict.asked,
            verdict.judged,
            verdict.met,
            count(*) as doses
        from core.dose_stratum as stratum
        inner join core.dose_verdict as verdict using (session_id)
        group by all
    ),
    by_course_stratum as (
        select course_stratum_id, asked, judged, met, sum(doses) as doses from doses_by_stratum group by all
    ),
    by_dose_stratum as (
        select dose_stratum_id, asked, judged, met, sum(doses) as doses from doses_by_stratum group by all
    ),
    by_level as (
        select level.breakdown, level.level, found.asked, found.judged, found.met, found.doses
        from by_course_stratum as found
        inner join core.course_stratum_level as level using (course_stratum_id)
        union all
        select level.breakdown, level.level, found.asked, found.judged, found.met, found.doses
        from by_dose_stratum as found
        inner join core.dose_stratum_level as level using (dose_stratum_id)
    )
select
    breakdown,  -- By what the doses are grouped.
    level,  -- Group.
    asked,  -- Rules that are asked of the doses, as a set.
    judged,  -- Rules that could be judged.
    met,  -- Rules that they meet.
    sum(doses)::bigint as doses  -- Doses.
from by_level
group by all
