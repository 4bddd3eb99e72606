-- What each metric would count if another of several scores before treatment were the baseline. A row is one metric,
-- measure, window and baseline rule, over all courses.
-- The counts under the rule of the settings, with the courses that can differ (tally.outcome_part) taken out and put in
-- again under the other rule.
-- Undisclosed: only report reads it, and only through release.sensitivity.
with
    rules as (select unnest(['last', 'mean', 'worst', 'first']) as baseline_rule),
    own as (
        select outcome_part.*
        from tally.outcome_part
        cross join ref.setting
        where outcome_part.baseline_rule = setting.baseline_pick
    ),
    counted as (
        select
            outcome.profile_id,
            outcome.metric_id,
            outcome.instrument_id,
            outcome.window_id,
            rules.baseline_rule,
            outcome.breakdown,
            outcome.level,
            outcome.enrolled - coalesce(own.enrolled, 0) + coalesce(part.enrolled, 0) as enrolled,
            outcome.with_baseline - coalesce(own.with_baseline, 0) + coalesce(part.with_baseline, 0) as with_baseline,
            outcome.eligible - coalesce(own.eligible, 0) + coalesce(part.eligible, 0) as eligible,
            outcome.measured - coalesce(own.measured, 0) + coalesce(part.measured, 0) as measured,
            outcome.denominator - coalesce(own.denominator, 0) + coalesce(part.denominator, 0) as denominator,
            outcome.numerator - coalesce(own.numerator, 0) + coalesce(part.numerator, 0) as numerator
        from tally.outcome
        cross join rules
        left join own using (profile_id, metric_id, instrument_id, window_id)
        left join
            tally.outcome_part as part
            on outcome.profile_id = part.profile_id
            and outcome.metric_id = part.metric_id
            and outcome.instrument_id = part.instrument_id
            and outcome.window_id = part.window_id
            and rules.baseline_rule = part.baseline_rule
        where outcome.breakdown = 'all'
    )
select
    counted.profile_id,  -- Profile whose thresholds are used.
    counted.metric_id,  -- Metric.
    counted.instrument_id,  -- Measure.
    counted.window_id,  -- Window of the follow-up score.
    counted.baseline_rule,  -- Which of several scores before treatment is the baseline.
    counted.breakdown,  -- Always all.
    counted.level,  -- Always all.
    counted.enrolled,  -- Courses of whom the measure is expected and whose window has passed.
    counted.with_baseline,  -- Enrolled courses with a baseline.
    counted.eligible,  -- Those whose baseline the metric can apply to.
    counted.measured,  -- Eligible courses with a score in the window.
    counted.denominator,  -- Courses the rate is over.
    counted.numerator,  -- Courses that meet the condition.
    coalesce(
        min(
            least(
                nullif(enrolled, 0),
                nullif(with_baseline, 0),
                nullif(eligible, 0),
                nullif(measured, 0),
                nullif(denominator, 0),
                nullif(numerator, 0),
                nullif(denominator - numerator, 0),
                nullif(eligible - measured, 0)
            )
        ) over (partition by profile_id, metric_id, instrument_id, window_id),
        0
    ) as smallest  -- The smallest count or difference of counts above zero, under any of the rules: what decides whether all may be shown.
from counted
