-- How do our rates compare with what others have published for the same question?
-- A line to read beside one's own, never a target: other patients, other windows, other rules for who is counted.
select citation, published_window, n, value, low, high, own_rate, own_low, own_high, own_coverage
from published.benchmark
where metric_id = 'response' and own_rate is not null
order by citation, published_window
