-- How many courses could get boosters, for how long, and how many got some, by level of every breakdown of courses.
-- Undisclosed: only report reads it, and only through release.maintenance.
select
    breakdown,  -- By what the courses are grouped.
    level,  -- Group.
    sum(boosted + unboosted)::bigint as courses,  -- Courses whose induction is over.
    sum(boosted)::bigint as boosted,  -- Of these, courses with a booster.
    sum(known)::bigint as known,  -- Courses of which it is known whether they got one.
    sum(boosters)::bigint as boosters,  -- Boosters.
    sum(days)::bigint as days  -- Days in which boosters were counted.
from tally.maintenance_day
group by all
