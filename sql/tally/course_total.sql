-- The headline over all months: the sums of tally.course_month, by measure.
-- Undisclosed: only report reads it, and only through release.course_total.
select
    instrument_id,  -- Measure.
    breakdown,  -- Everybody.
    level,  -- Everybody.
    sum(enrolled)::bigint as enrolled,  -- Courses of whom the measure is expected and whose window has passed.
    sum(measured)::bigint as measured,  -- Of these, courses with both scores.
    sum(response_of)::bigint as response_of,  -- Courses the response rate is over.
    sum(responded)::bigint as responded,  -- Of these, courses that respond.
    sum(remission_of)::bigint as remission_of,  -- Courses the remission rate is over.
    sum(remitted)::bigint as remitted  -- Of these, courses that remit.
from tally.course_month
group by all
