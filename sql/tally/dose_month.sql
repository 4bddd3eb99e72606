-- How many doses each rule of ref.dose_rule was asked of, could be judged in and was met by, and of how many courses,
-- by
-- the month in which the courses began, so that a course stands in one month only.
-- Undisclosed: only report reads it, and only through release.dose_month.
with
    rules as (select rule_id, 1::ubigint << ordinal::ubigint as flag from ref.dose_rule),
    doses as (
        select dose.course_id, strftime(course.day_0, '%Y-%m') as month, verdict.asked, verdict.judged, verdict.met
        from core.dose_verdict as verdict
        inner join core.dose using (session_id)
        inner join core.course using (course_id)
    ),
    alike as (select month, asked, judged, met, count(*) as doses from doses group by all),
    courses as (
        select
            course_id,
            month,
            bit_or(asked) as asked,
            bit_or(judged) as judged,
            bit_or(judged & met) as met,
            bit_or(judged & ~ met) as unmet
        from doses
        group by all
    ),
    courses_alike as (select month, asked, judged, met, unmet, count(*) as courses from courses group by all),
    counted_doses as (
        select
            rules.rule_id,
            alike.month,
            sum(alike.doses) as doses,
            sum(alike.doses) filter (where alike.judged & rules.flag > 0) as judged,
            sum(alike.doses) filter (where alike.met & rules.flag > 0) as met
        from alike
        inner join rules on alike.asked & rules.flag > 0
        group by all
    ),
    counted_courses as (
        select
            rules.rule_id,
            courses_alike.month,
            sum(courses_alike.courses) as courses,
            sum(courses_alike.courses) filter (where courses_alike.judged & rules.flag > 0) as courses_judged,
            sum(courses_alike.courses) filter (where courses_alike.met & rules.flag > 0) as courses_met,
            sum(courses_alike.courses) filter (where courses_alike.unmet & rules.flag > 0) as courses_unmet
        from courses_alike
        inner join rules on courses_alike.asked & rules.flag > 0
        group by all
    )
select
    counted_doses.rule_id,  -- Rule (ref.dose_rule).
    'all' as breakdown,  -- Everybody.
    'all' as level,  -- Everybody.
    counted_doses.month,  -- Month of day 0.
    counted_courses.courses::bigint as courses,  -- Courses with a dose that the rule is asked of.
    coalesce(counted_courses.courses_judged, 0)::bigint as courses_judged,  -- Courses with a dose that could be judged.
    coalesce(counted_courses.courses_met, 0)::bigint as courses_met,  -- Courses with a dose that meets the rule.
    coalesce(counted_courses.courses_unmet, 0)::bigint as courses_unmet,  -- Courses with a judged dose that does not.
    counted_doses.doses::bigint as doses,  -- Doses that the rule is asked of.
    coalesce(counted_doses.judged, 0)::bigint as judged,  -- Doses that could be judged.
    coalesce(counted_doses.met, 0)::bigint as met  -- Doses that meet it.
from counted_doses
inner join counted_courses using (rule_id, month)
