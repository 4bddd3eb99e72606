-- One row per course and measure that is expected of it: the combination of levels that it belongs to.
select
    breakdown.course_id,  -- Course.
    breakdown.instrument_id,  -- Measure.
    combination.stratum_id  -- Combination of levels (core.stratum_level).
from core.breakdown
inner join core.combination using (levels)
