-- Exact sums over the courses that have both a baseline and a score in the window, by level of every breakdown.
-- Whatever the profile says, the same courses are in it. Change is the follow-up score minus the baseline.
-- Undisclosed: only report reads it, and only through release.score.
with
    due as (
        select
            outcome.instrument_id,
            outcome.window_id,
            stratum.stratum_id,
            case when outcome.score is not null then outcome.baseline end as baseline,
            case when outcome.baseline is not null then outcome.score end as score
        from core.outcome
        inner join core.stratum using (course_id, instrument_id)
        where outcome.is_due
    ),
    paired as (
        select
            instrument_id,
            window_id,
            stratum_id,
            count(*) as enrolled,
            count(score) as n,
            sum(baseline) as sum_baseline,
            sum(baseline * baseline) as sum_baseline_squared,
            sum(score) as sum_score,
            sum(score * score) as sum_score_squared,
            sum(score - baseline) as sum_change,
            sum((score - baseline) * (score - baseline)) as sum_change_squared
        from due
        group by all
    )
select
    paired.instrument_id,  -- Measure.
    paired.window_id,  -- Window of the follow-up score.
    stratum_level.breakdown,  -- By what the courses are grouped.
    stratum_level.level,  -- Group.
    sum(paired.enrolled)::bigint as enrolled,  -- Courses of whom the measure is expected and whose window has passed.
    sum(paired.n)::bigint as n,  -- Courses with both scores.
    sum(paired.sum_baseline) as sum_baseline,  -- Sum of the baselines; empty where there are none.
    sum(paired.sum_baseline_squared) as sum_baseline_squared,  -- Sum of their squares.
    sum(paired.sum_score) as sum_score,  -- Sum of the follow-up scores.
    sum(paired.sum_score_squared) as sum_score_squared,  -- Sum of their squares.
    sum(paired.sum_change) as sum_change,  -- Sum of the changes.
    sum(paired.sum_change_squared) as sum_change_squared  -- Sum of their squares.
from paired
inner join core.stratum_level using (stratum_id)
group by all
