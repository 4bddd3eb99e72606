-- Why have courses no say in the response rate at one month?
-- Every course of whom the measure is expected stands in exactly one row; those that count have a denominator.
select label, courses, denominator, state
from published.reasons('response', 'phq9')
where window_id = 'd30'
