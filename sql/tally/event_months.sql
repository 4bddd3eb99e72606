-- The sums of tally.event_month over all months, by kind.
-- Undisclosed: only report reads it, and only through release.event_months.
select
    kind_id,  -- Kind (ref.event_kind).
    breakdown,  -- Everybody.
    level,  -- Everybody.
    sum(courses)::bigint as courses,  -- Courses with a dose.
    sum(courses_with_event)::bigint as courses_with_event  -- Of these, courses with such an event.
from tally.event_month
group by all
