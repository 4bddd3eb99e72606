-- Why figures moved since they were last printed: one row per profile, metric, measure, window, group and cause. The
-- causes of a group add up exactly to the difference of its two numbers in report.outcome_summary, then and now.
-- There are rows for groups that were printed anew in this release and before, and have moved; a figure that is held
-- has none (its as_of is older than the release), and none has any in a first release.
-- A cause is told apart where it, and all others together, are about enough courses; else it is among `several`.
-- Each course has one cause, the first that holds of: new, withdrawn, late, definition, corrected.
select
    change.profile_id,  -- Profile whose thresholds are used.
    change.metric_id,  -- Metric.
    change.instrument_id,  -- Measure.
    change.window_id,  -- Window of the follow-up score.
    change.breakdown,  -- By what the courses are grouped; all for the total.
    change.level,  -- Group; (pooled) for those too small to be shown by themselves.
    change.cause_id,  -- Why: new, late, corrected, withdrawn, definition, or several that are not told apart.
    cause.label,  -- The cause in words.
    cause.ordinal,  -- Place of the cause in a list.
    change.since_on,  -- As-of date of the figure before, the last time that it was printed anew.
    change.numerator_change,  -- Courses more, or fewer, that meet the condition.
    change.denominator_change  -- Courses more, or fewer, that the rate is over.
from meta.change
left join ref.cause using (cause_id)
order by all
