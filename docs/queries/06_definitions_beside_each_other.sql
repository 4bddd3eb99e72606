-- How far does the recovery rate depend on whose thresholds are used?
-- The same courses, under each profile that defines recovery for the measure.
select o.profile_id, o.window_id, o.rate, o.numerator, o.denominator, d.definition
from published.outcome_summary as o
inner join published.definition as d using (profile_id, metric_id, instrument_id)
where o.metric_id = 'recovery' and o.instrument_id = 'gad7' and o.breakdown = 'all' and not o.is_suppressed
order by o.window_id, o.profile_id
