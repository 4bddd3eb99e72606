-- One row per combination of levels that occurs, so that figures are counted once per combination and summed to
-- breakdowns after.
with combinations as (select distinct levels from core.breakdown)
select
    row_number() over (order by levels)::integer as stratum_id,  -- Number of the combination.
    levels  -- Level in each breakdown.
from combinations
