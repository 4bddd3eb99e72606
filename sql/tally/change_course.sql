-- kept as: view
-- The category of every course: one row per course, measure, window, method and cut-off; what tally.change_category
-- counts.
-- Undisclosed: no report reads it.
select
    outcome.course_id,  -- Course.
    outcome.instrument_id,  -- Measure.
    outcome.window_id,  -- Window of the follow-up score.
    pair.method_id,  -- Method (ref.change_method).
    pair.cutoff_id,  -- Cut-off (ref.change_cutoff).
    pair.is_usual,  -- Whether it's the usual method with its best cut-off.
    outcome.baseline,  -- Score before treatment.
    outcome.score,  -- Follow-up score.
    pair.change,  -- Change in units of its standard error, positive where better.
    pair.category  -- Category (ref.change_category).
from core.counted as outcome
inner join
    tally.change_pair as pair
    on outcome.instrument_id = pair.instrument_id
    and outcome.window_id = pair.window_id
    and outcome.baseline = pair.baseline
    and outcome.score = pair.score
where outcome.is_due
