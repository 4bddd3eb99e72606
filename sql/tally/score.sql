-- Exact sums over the courses that have both a baseline and a score in the window, by level of every breakdown.
-- Whatever the profile says, the same courses are in it. Change is the follow-up score minus the baseline.
-- Undisclosed: only report reads it, and only through release.score.
with
    due as (
        select
            instrument_id,
            window_id,
            stratum_id,
            courses,
            case when score is not null then baseline end as baseline,
            case when baseline is not null then score end as score
        from core.outcome_alike
        where is_due
    ),
    paired as (
        select
            instrument_id,
            window_id,
            stratum_id,
            sum(courses) as enrolled,
            coalesce(sum(courses) filter (where score is not null), 0) as n,
            sum(courses * baseline) as sum_baseline,
            sum(courses * baseline * baseline) as sum_baseline_squared,
            sum(courses * score) as sum_score,
            sum(courses * score * score) as sum_score_squared,
            sum(courses * (score - baseline)) as sum_change,
            sum(courses * (score - baseline) * (score - baseline)) as sum_change_squared
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
