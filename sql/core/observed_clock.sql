-- shard: patient_id
-- One row per session with a curve of dissociation: when it began, was strongest and was over, by
-- ref.observation_clock.
-- A curve that never rises above the limit has no clock; one that is not seen to come down has no end.
-- Caveat: a curve tells times only to the distance between two observations, and each of them is late by up to that.
with
    curves as (
        select observation.*, rule.above, rule.resolved_at_most
        from core.session_observation as observation
        inner join ref.observation_clock as rule using (kind)
    ),
    peaks as (
        select
            session_id,
            patient_id,
            max(value) as peak,
            arg_max(minute, (value, - minute)) as peak_min,
            min(minute) filter (where value > above) as onset_min
        from curves
        group by all
    )
select
    peaks.session_id,  -- Session (core.session).
    peaks.patient_id,  -- Pseudonym of the patient.
    peaks.onset_min,  -- Dose to the first observation above the limit, min.
    peaks.peak_min,  -- Dose to the first of the strongest observations, min.
    min(curves.minute) filter (
        where curves.minute > peaks.peak_min and curves.value <= curves.resolved_at_most
    ) as resolved_min,  -- Dose to the first observation behind the peak that is down again, min; empty where there is none.
    any_value(peaks.peak) as peak  -- Strongest observation, in the unit of the kind.
from peaks
inner join curves using (session_id)
where peaks.onset_min is not null
group by all
