-- The sums of tally.dose_month over all months, by rule.
-- Undisclosed: only report reads it, and only through release.dose_months.
select
    rule_id,  -- Rule (ref.dose_rule).
    breakdown,  -- Everybody.
    level,  -- Everybody.
    sum(courses)::bigint as courses,  -- Courses with a dose that the rule is asked of.
    sum(courses_judged)::bigint as courses_judged,  -- Courses with a dose that could be judged.
    sum(courses_met)::bigint as courses_met,  -- Courses with a dose that meets the rule.
    sum(courses_unmet)::bigint as courses_unmet  -- Courses with a judged dose that does not.
from tally.dose_month
group by all
