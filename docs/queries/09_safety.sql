-- How often do adverse events happen, per hundred doses, and what is the upper bound where none was seen?
-- A true zero keeps its upper bound: none seen in 50 doses is not none in 5,000.
select kind_id, title, events, doses, 100 * events_per_dose as per_100_doses, 100 * events_per_dose_high as upper_bound
from published.safety
where breakdown = 'all' and not is_suppressed
order by per_100_doses desc nulls last, kind_id
