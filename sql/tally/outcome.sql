-- How many courses each metric counted, by level of every breakdown. A row is one metric, measure, window and level.
-- Undisclosed: only report reads it, and only through release.outcome.
-- Courses are counted per stratum first and spread over the breakdowns after, so that a breakdown costs next to
-- nothing.
with
    counted as (
        select
            judgement.profile_id,
            judgement.metric_id,
            judgement.instrument_id,
            judgement.window_id,
            stratum.stratum_id,
            count(*) filter (where coalesce(reason.is_enrolled, true)) as enrolled,
            count(*) filter (where coalesce(reason.has_baseline, true)) as with_baseline,
            count(*) filter (where coalesce(reason.is_eligible, true)) as eligible,
            count(*) filter (where judgement.reason is null) as measured,
            count(*) filter (where judgement.denominator) as denominator,
            count(*) filter (where judgement.numerator) as numerator
        from core.judgement
        inner join core.stratum using (course_id, instrument_id)
        left join ref.reason on reason.reason_id = judgement.reason
        group by all
    )
select
    counted.profile_id,  -- Profile whose thresholds are used.
    counted.metric_id,  -- Metric.
    counted.instrument_id,  -- Measure.
    counted.window_id,  -- Window of the follow-up score.
    stratum_level.breakdown,  -- By what the courses are grouped.
    stratum_level.level,  -- Group.
    sum(counted.enrolled)::bigint as enrolled,  -- Courses of whom the measure is expected and whose window has passed.
    sum(counted.with_baseline)::bigint as with_baseline,  -- Enrolled courses with a baseline.
    sum(counted.eligible)::bigint as eligible,  -- Those whose baseline the metric can apply to.
    sum(counted.measured)::bigint as measured,  -- Eligible courses with a score in the window.
    sum(counted.denominator)::bigint as denominator,  -- Courses the rate is over.
    sum(counted.numerator)::bigint as numerator  -- Courses that meet the condition.
from counted
inner join core.stratum_level using (stratum_id)
group by all
