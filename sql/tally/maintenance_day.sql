-- How many courses got their first booster on each day after the induction, and how many were without one when they
-- were last seen; what quartiles of the time to the first booster are made from.
-- Undisclosed: only report reads it, and only through release.maintenance_day, whose rows are never printed.
with
    counted as (
        select
            stratum.course_stratum_id,
            maintenance.days_to_first as time,
            count(*) filter (where maintenance.boosters > 0) as boosted,
            count(*) filter (where maintenance.boosters = 0) as unboosted,
            count(*) filter (where maintenance.is_known) as known,
            sum(maintenance.boosters) as boosters,
            sum(maintenance.days) as days
        from core.maintenance
        inner join core.course_stratum as stratum using (course_id)
        group by all
    )
select
    level.breakdown,  -- By what the courses are grouped.
    level.level,  -- Group.
    counted.time,  -- Days since the last induction session.
    sum(counted.boosted)::bigint as boosted,  -- Courses with their first booster then.
    sum(counted.unboosted)::bigint as unboosted,  -- Courses without one, last seen then.
    sum(counted.known)::bigint as known,  -- Of both, courses of which it is known whether they got one.
    sum(counted.boosters)::bigint as boosters,  -- Boosters of these courses, the later ones too.
    sum(counted.days)::bigint as days  -- Days in which boosters of these courses were counted.
from counted
inner join core.course_stratum_level as level using (course_stratum_id)
group by all
