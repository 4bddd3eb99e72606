-- By how many points do scores change on each measure within a month, and how large is that effect?
-- Change is follow-up minus baseline, so a fall is negative; the effect size is positive where people got better.
select instrument_id, n, mean_baseline, mean_change, change_low, change_high, effect_size, effect_low, effect_high
from published.score_summary
where window_id = 'd30' and breakdown = 'all' and not is_suppressed
order by effect_size desc nulls last
