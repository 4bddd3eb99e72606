-- Which sites lose most people between the baseline and the month after?
-- A rate of a site with low coverage says little; begin here before comparing sites.
select level as site, enrolled, with_baseline, with_both, retention_rate, retention_low, retention_high
from published.retention
where instrument_id = 'phq9' and window_id = 'd30' and breakdown = 'site' and not is_suppressed
order by retention_rate
