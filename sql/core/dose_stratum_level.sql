-- One row per combination of dose levels and breakdown: the level of the combination (core.dose_breakdown).
select
    combination.dose_stratum_id,  -- Combination of levels.
    entry.key as breakdown,  -- Breakdown.
    coalesce(entry.value ->> '$', 'unknown') as level  -- Level in the breakdown.
from core.dose_combination as combination, json_each(combination.levels::json) as entry
