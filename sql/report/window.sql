-- When a score counts: one row per window, in the order of time. Bounds are days after the anchor.
-- A window that a profile brings along for itself (is_own) is asked by that profile alone.
select
    window_id,  -- Window.
    ordinal,  -- Place in lists.
    anchor,  -- Days after what: day_0, end_of_induction or baseline.
    from_days,  -- First day, or first hour as a fraction of a day.
    to_days,  -- Last day; empty where the window has no end.
    target_days,  -- Day that the nearest score is picked for; empty where another one is picked.
    pick,  -- Which score of the window counts: nearest, last or first.
    baseline_pick,  -- Which score before treatment its change is counted from, where it names a rule of its own: last, first, worst, mean or first_case.
    baseline_from_days,  -- First day of these scores.
    "until",  -- What else ends the window: end_of_course; empty for nothing.
    is_own  -- Whether a profile brings it along.
from ref.window
order by all
