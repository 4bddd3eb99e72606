-- kept as: view
-- Which courses' windows have passed, by level of every breakdown: those that retention counts, and those it doesn't
-- yet.
-- Undisclosed: only report reads it, and only through release.due.
select
    instrument_id,  -- Measure.
    window_id,  -- Window.
    breakdown,  -- By what the courses are grouped.
    level,  -- Group.
    enrolled,  -- Courses of whom the measure is expected and whose window has passed.
    not_due  -- Courses whose window has not fully passed yet.
from tally.retention
