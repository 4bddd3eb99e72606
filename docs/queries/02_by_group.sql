-- Which indications respond within a month, and which of them are too few to be told?
-- The macro answers for the profile of the headline; state tells a value from a zero and from what is hidden.
select level as indication, numerator, denominator, rate, rate_low, rate_high, coverage, state
from published.outcome('response', 'phq9', by := 'indication')
where window_id = 'd30'
order by rate desc nulls last, indication
