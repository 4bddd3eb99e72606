-- How many courses are still on their way to a window: one row per measure, window and group.
-- A course whose window has not fully passed at the as-of date is not missing; it is counted here and nowhere else.
select
    instrument_id,  -- Measure.
    window_id,  -- Window.
    breakdown,  -- By what the courses are grouped.
    level,  -- Group; (pooled) for those too small to be shown by themselves.
    macro.rounded(enrolled, unit) as due,  -- Courses of whom the measure is expected and whose window has passed.
    macro.rounded(not_due, unit) as not_due,  -- Courses whose window has not fully passed yet.
    is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    suppression_reason,  -- Why it is not shown.
    as_of  -- As-of date of the numbers: the release's own, or an earlier one where they are held (published.held).
from release.due
order by all
