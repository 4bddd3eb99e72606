-- How many courses are through their induction, by level of every breakdown.
-- Undisclosed: only report reads it, and only through release.induction.
select
    breakdown,  -- By what the courses are grouped.
    level,  -- Group.
    sum(courses)::bigint as courses  -- Courses whose induction is over.
from tally.session_count
group by all
