-- What became of the courses: one row per profile, metric, measure, window, group and standing. The courses of a group
-- add up to those that the metric was asked about, due or not, in the denominator or not.
-- A standing is that the condition is met, that it is not, or the first reason why that is not known; an authority's
-- own
-- words for it are used where the profile has them.
-- Standings too small to be shown are pooled within their group into (pooled).
select
    outcome_reason.profile_id,  -- Profile whose thresholds are used.
    outcome_reason.metric_id,  -- Metric.
    outcome_reason.instrument_id,  -- Measure.
    outcome_reason.window_id,  -- Window of the follow-up score.
    outcome_reason.breakdown,  -- By what the courses are grouped; all for the total.
    outcome_reason.level,  -- Group; (pooled) for those too small to be shown by themselves.
    outcome_reason.standing,  -- met, not_met, or why that is not known; (pooled) for those too small.
    coalesce(profile_reason.label, reason.label) as label,  -- The standing in words.
    reason.ordinal,  -- Place of the standing in a list.
    macro.rounded(outcome_reason.courses, unit) as courses,  -- Courses.
    macro.rounded(outcome_reason.denominator, unit) as denominator,  -- Of these, in the denominator.
    outcome_reason.is_suppressed,  -- Whether the row is too small to be shown by itself; its numbers are empty, which is not zero.
    outcome_reason.suppression_reason,  -- Why it is not shown.
    outcome_reason.as_of  -- As-of date of the numbers: the release's own, or an earlier one where they are held (published.held).
from release.outcome_reason
left join ref.reason on reason.reason_id = outcome_reason.standing
left join
    ref.profile_reason
    on outcome_reason.profile_id = profile_reason.profile_id
    and outcome_reason.standing = profile_reason.reason_id
order by all
