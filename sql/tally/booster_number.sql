-- The counts of tally.booster by the place of the booster in its course.
-- Undisclosed: only report reads it, and only through release.booster_number.
with
    counted as (
        select
            judged.profile_id,
            judged.instrument_id,
            stratum.course_stratum_id,
            judged.number,
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
    counted.profile_id,  -- Profile whose thresholds are used.
    counted.instrument_id,  -- Measure.
    level.breakdown,  -- By what the courses are grouped.
    level.level,  -- Group.
    lpad(counted.number::varchar, 2, '0') as number,  -- Place among the boosters of the course, from 01.
    sum(counted.boosters)::bigint as boosters,  -- Boosters with a score before and after.
    sum(counted.responding_before)::bigint as responding_before,  -- Of these, boosters before which the course responded.
    sum(counted.responding_after)::bigint as responding_after,  -- Boosters after which it responded.
    sum(counted.sum_change) as sum_change,  -- Sum of the changes, score after minus score before.
    sum(counted.sum_change_squared) as sum_change_squared  -- Sum of their squares.
from counted
inner join core.course_stratum_level as level using (course_stratum_id)
group by all
