-- The courses of tally.score by how many scores before treatment they had that could have been the baseline, with the
-- sums of these.
-- Undisclosed: only report reads it, and only through release.score_repeat, whose rows are never printed.
with
    counted as (
        select
            outcome.instrument_id,
            outcome.window_id,
            stratum.stratum_id,
            baseline.candidates,
            count(*) as n,
            sum(baseline.candidate_total) as sum_candidates,
            sum(outcome.baseline) as sum_baseline
        from core.counted as outcome
        inner join core.baseline using (course_id, instrument_id)
        inner join core.stratum using (course_id, instrument_id)
        where outcome.is_due and outcome.score is not null
        group by all
    )
select
    counted.instrument_id,  -- Measure.
    counted.window_id,  -- Window.
    level.breakdown,  -- By what the courses are grouped.
    level.level,  -- Group.
    counted.candidates,  -- Scores that could have been the baseline.
    sum(counted.n)::bigint as n,  -- Courses with a baseline and a score in the window, which has passed.
    sum(counted.sum_candidates) as sum_candidates,  -- Sum of all scores that could have been the baseline.
    sum(counted.sum_baseline) as sum_baseline  -- Sum of the baselines.
from counted
inner join core.stratum_level as level using (stratum_id)
group by all
