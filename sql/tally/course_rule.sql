-- How many courses each rule of ref.course_rule was asked of, could be judged in, and was met by, by level of every
-- breakdown of courses.
-- Undisclosed: only report reads it, and only through release.course_rule.
with
    counted as (
        select
            rule.rule_id,
            stratum.course_stratum_id,
            count(*) as courses,
            count(found.value) as judged,
            count(*) filter (
                where
                    found.value >= coalesce(rule.at_least, found.value)
                    and found.value <= coalesce(rule.at_most, found.value)
            ) as met
        from core.course_value as found
        inner join ref.course_rule as rule using (value_id)
        inner join core.course_stratum as stratum using (course_id)
        group by all
    )
select
    counted.rule_id,  -- Rule (ref.course_rule).
    level.breakdown,  -- By what the courses are grouped.
    level.level,  -- Group.
    sum(counted.courses)::bigint as courses,  -- Courses that the rule is asked of.
    sum(counted.judged)::bigint as judged,  -- Courses that could be judged.
    sum(counted.met)::bigint as met  -- Courses that meet it.
from counted
inner join core.course_stratum_level as level using (course_stratum_id)
group by all
