-- How many courses had a session of each kind (ref.session_mix), and how many sessions, by level of every breakdown of
-- courses.
-- Undisclosed: only report reads it, and only through release.session_mix.
select
    mix_id,  -- Kind (ref.session_mix).
    breakdown,  -- By what the courses are grouped.
    level,  -- Group.
    sum(courses)::bigint as courses,  -- Courses with a dose.
    coalesce(sum(courses) filter (where number > 0), 0)::bigint as courses_with,  -- Of these, courses with such a session.
    sum(number * courses)::bigint as sessions,  -- Such sessions.
    sum(doses)::bigint as doses  -- Doses of all these courses.
from tally.session_mix_value
group by all
