-- One row per combination of dose levels that occurs.
with combinations as (select distinct levels from core.dose_breakdown)
select
    row_number() over (order by levels)::integer as dose_stratum_id,  -- Number of the combination.
    levels  -- Level in each breakdown.
from combinations
