-- How many courses had how many sessions of each kind (ref.session_mix), by level of every breakdown of courses.
-- Undisclosed: only report reads it, and only through release.session_mix_value, whose rows are never printed.
with
    counted as (
        select mix.mix_id, mix.number, stratum.course_stratum_id, count(*) as courses, sum(mix.given) as doses
        from core.course_mix as mix
        inner join core.course_stratum as stratum using (course_id)
        group by all
    )
select
    counted.mix_id,  -- Kind (ref.session_mix).
    level.breakdown,  -- By what the courses are grouped.
    level.level,  -- Group.
    counted.number,  -- Sessions of the kind in a course.
    sum(counted.courses)::bigint as courses,  -- Courses with so many.
    sum(counted.doses)::bigint as doses  -- Doses of these courses.
from counted
inner join core.course_stratum_level as level using (course_stratum_id)
group by all
