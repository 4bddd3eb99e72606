-- How boosters of which the score before and after is known went, all of a course together, by level of every
-- breakdown.
-- Undisclosed: only report reads it, and only through release.booster.
with
    by_course as (
        select
            judged.profile_id,
            judged.instrument_id,
            stratum.course_stratum_id,
            judged.course_id,
            count(*) as boosters,
            count(*) filter (where judged.responds_before) as responding_before,
            count(*) filter (where judged.responds_after) as responding_after,
            sum(judged.change) as sum_change,
            sum(judged.change * judged.change) as sum_change_squared
        from tally.booster_verdict as judged
        inner join core.course_stratum as stratum using (course_id)
        group by all
    )
select
    by_course.profile_id,  -- Profile whose thresholds are used.
    by_course.instrument_id,  -- Measure.
    level.breakdown,  -- By what the courses are grouped.
    level.level,  -- Group.
    count(*)::bigint as courses,  -- Courses with such a booster.
    sum(by_course.boosters)::bigint as boosters,  -- Boosters with a score before and after.
    sum(by_course.responding_before)::bigint as responding_before,  -- Of these, boosters before which the course responded.
    sum(by_course.responding_after)::bigint as responding_after,  -- Boosters after which it responded.
    sum(by_course.sum_change) as sum_change,  -- Sum of the changes, score after minus score before.
    sum(by_course.sum_change_squared) as sum_change_squared  -- Sum of their squares.
from by_course
inner join core.course_stratum_level as level using (course_stratum_id)
group by all
