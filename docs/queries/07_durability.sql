-- Of those who responded, how many still had not lost the response after three months?
-- Read off the Kaplan-Meier curve at the last interval that ends by day 90.
select instrument_id, time as day, at_risk, survival, survival_low, survival_high
from published.survival
where
    event_id = 'loss_of_response'
    and profile_id = 'ketamine-rwe'
    and breakdown = 'all'
    and counted_in = 'days'
    and maintenance = 'all'
    and time <= 90
    and not is_suppressed
qualify time = max(time) over (partition by instrument_id)
order by instrument_id
