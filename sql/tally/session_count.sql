-- How many courses had how many induction sessions, by level of every breakdown. Only courses whose induction is over:
-- induction_days have passed since day 0, and induction_gap_days since its last session (ref.setting).
-- Undisclosed: only report reads it, and only through release.session_count.
with
    over as (
        select course.course_id, course.induction_sessions
        from core.course
        cross join ref.setting
        where
            course.induction_sessions > 0
            and course.day_0 + setting.induction_days < setting.as_of
            and coalesce(course.end_of_induction_on + setting.induction_gap_days < setting.as_of, true)
    ),
    counted as (
        select course_stratum.course_stratum_id, over.induction_sessions, count(*) as courses
        from over
        inner join core.course_stratum using (course_id)
        group by all
    )
select
    level.breakdown,  -- By what the courses are grouped.
    level.level,  -- Group.
    lpad(counted.induction_sessions::varchar, 3, '0') as sessions,  -- Completed medicine sessions of the induction, three digits, so that texts stand in order.
    sum(counted.courses)::bigint as courses  -- Courses whose induction is over with so many.
from counted
inner join core.course_stratum_level as level using (course_stratum_id)
group by all
