-- How many courses each metric counted, by level of every breakdown. A row is one metric, measure, window and level.
-- Undisclosed: only report reads it, and only through release.outcome.
-- Courses are counted per stratum first and spread over the breakdowns after, so that a breakdown costs next to
-- nothing.
with
    counted as (
        select
            verdict.profile_id,
            verdict.metric_id,
            verdict.instrument_id,
            verdict.window_id,
            verdict.stratum_id,
            sum(courses) filter (where coalesce(reason.is_enrolled, true)) as enrolled,
            sum(courses) filter (where coalesce(reason.has_baseline, true)) as with_baseline,
            sum(courses) filter (where coalesce(reason.is_eligible, true)) as eligible,
            sum(courses) filter (where verdict.reason is null) as measured,
            sum(courses) filter (where verdict.denominator) as denominator,
            sum(courses) filter (where verdict.numerator) as numerator
        from core.verdict
        left join ref.reason on reason.reason_id = verdict.reason
        group by all
    )
select
    counted.profile_id,  -- Profile whose thresholds are used.
    counted.metric_id,  -- Metric.
    counted.instrument_id,  -- Measure.
    counted.window_id,  -- Window of the follow-up score.
    stratum_level.breakdown,  -- By what the courses are grouped.
    stratum_level.level,  -- Group.
    coalesce(sum(counted.enrolled), 0)::bigint as enrolled,  -- Courses of whom the measure is expected and whose window has passed.
    coalesce(sum(counted.with_baseline), 0)::bigint as with_baseline,  -- Enrolled courses with a baseline.
    coalesce(sum(counted.eligible), 0)::bigint as eligible,  -- Those whose baseline the metric can apply to.
    coalesce(sum(counted.measured), 0)::bigint as measured,  -- Eligible courses with a score in the window.
    coalesce(sum(counted.denominator), 0)::bigint as denominator,  -- Courses the rate is over.
    coalesce(sum(counted.numerator), 0)::bigint as numerator  -- Courses that meet the condition.
from counted
inner join core.stratum_level using (stratum_id)
group by all
