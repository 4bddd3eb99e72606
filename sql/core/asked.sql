-- What each profile asks: one row per profile, metric and window. core.judgement holds nothing else.
-- Metrics of a pair of measures (is_paired) are asked in the window of the profile's pair, any other metric in the
-- others.
-- A profile that names metrics (ref.profile_metric) asks these; any other asks all whose thresholds its rules have.
select
    profile_window.profile_id,  -- Profile.
    metric.metric_id,  -- Metric that it asks.
    profile_window.window_id  -- Window in which it asks.
from ref.profile_window
inner join ref.metric on coalesce(metric.is_paired, false) = coalesce(profile_window.is_paired, false)
left join (select distinct profile_id from ref.profile_metric) as choosy using (profile_id)
left join
    ref.profile_metric as chosen
    on profile_window.profile_id = chosen.profile_id
    and metric.metric_id = chosen.metric_id
where choosy.profile_id is null or chosen.metric_id is not null
