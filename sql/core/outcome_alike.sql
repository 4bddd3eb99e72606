-- One row per kind of outcome: the courses of one combination of levels with the same scores in a window, which no
-- figure of a level tells apart.
-- Whatever is counted or summed over courses can be counted here for less: each row stands for `courses` of them.
select
    outcome.instrument_id,  -- Measure.
    outcome.window_id,  -- Window.
    stratum.stratum_id,  -- Combination of levels (core.stratum_level).
    outcome.is_due,  -- Whether the window has fully passed at the as-of date.
    outcome.baseline,  -- Score before treatment.
    outcome.score,  -- Score in the window.
    outcome.improvement,  -- Points since baseline, positive where better.
    outcome.baseline_suicidality,  -- Whether the item about suicidal thoughts reached its flag before treatment.
    outcome.suicidality,  -- Whether it does in the window.
    count(*)::integer as courses  -- Courses with this outcome.
from core.counted as outcome
inner join core.stratum using (course_id, instrument_id)
group by all
