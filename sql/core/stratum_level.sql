-- One row per combination of levels and breakdown: the level of the combination. What breakdowns there are stands in
-- core.breakdown.
select
    combination.stratum_id,  -- Combination of levels.
    entry.key as breakdown,  -- Breakdown.
    coalesce(entry.value ->> '$', 'unknown') as level  -- Level in the breakdown.
from core.combination, json_each(combination.levels::json) as entry
