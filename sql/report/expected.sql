-- Which measure a profile expects of whom: one row per profile, indication, programme and measure.
-- Where nothing is mapped, a measure is expected of whoever ever answered it; published.completeness says which holds.
select
    profile_id,  -- Profile.
    indication,  -- Indication that is treated; empty for any.
    programme_id,  -- Programme; empty for any.
    instrument_id,  -- Measure.
    role  -- Primary, secondary or optional.
from ref.expected
order by all
