-- What became of each course that a metric was asked about, by level of every breakdown: met, not met, or why it is not
-- known.
-- Undisclosed: only report reads it, and only through release.outcome_reason.
with
    standings as (
        select
            profile_id,
            metric_id,
            instrument_id,
            window_id,
            stratum_id,
            coalesce(reason, case when numerator then 'met' else 'not_met' end) as standing,
            denominator,
            courses
        from core.verdict
    )
select
    standings.profile_id,  -- Profile whose thresholds are used.
    standings.metric_id,  -- Metric.
    standings.instrument_id,  -- Measure.
    standings.window_id,  -- Window of the follow-up score.
    stratum_level.breakdown,  -- By what the courses are grouped.
    stratum_level.level,  -- Group.
    standings.standing,  -- Whether the condition is met, or why that is not known (ref.reason).
    sum(standings.courses)::bigint as courses,  -- Courses.
    coalesce(sum(standings.courses) filter (where standings.denominator), 0)::bigint as denominator  -- Of these, in the denominator.
from standings
inner join core.stratum_level using (stratum_id)
group by all
