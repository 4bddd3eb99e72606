-- How many of those who were treated for depression responded, and what would have to be true of the unmeasured for it to be otherwise?
-- One row per window; rate_worst and rate_best say what the unmeasured could do to the rate.
select window_id, enrolled, measured, coverage, rate, rate_low, rate_high, rate_worst, rate_best
from published.outcome_summary
inner join published.window using (window_id)
where profile_id = 'ketamine-rwe' and metric_id = 'response' and instrument_id = 'phq9' and breakdown = 'all'
order by ordinal
