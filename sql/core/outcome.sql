-- kept as: view
-- One row per course, measure that is expected of it, and window: baseline, the score in the window, and the
-- improvement.
-- How the score is found is said at core.follow_up; here the as-of date (ref.setting) comes in.
-- A window is due once its last day has passed at the as-of date; one without an end, the day after day 0.
-- Caveat: a measure that asks about two weeks can't answer for 24 hours (ref.scale.lookback_days).
select
    follow_up.course_id,  -- Course.
    follow_up.instrument_id,  -- Measure.
    follow_up.window_id,  -- Window.
    coalesce(follow_up.last_on < setting.as_of, false) as is_due,  -- Whether the window has fully passed at the as-of date.
    follow_up.baseline,  -- Score before treatment (core.baseline).
    follow_up.score,  -- Score in the window.
    follow_up.answered_on,  -- Day of the score in the window.
    follow_up.form_number,  -- Form of the score in the window (core.form).
    follow_up.days,  -- Days from day 0 to the score.
    follow_up.improvement,  -- Points since baseline, positive where better.
    follow_up.elapsed_min,  -- Minutes from the start of the first session to the score, where known.
    follow_up.baseline_suicidality,  -- Whether the item about suicidal thoughts reached its flag before treatment.
    follow_up.suicidality  -- Whether it does in the window.
from core.follow_up
cross join ref.setting
