-- shard: patient_id
-- One row per observation during a session as the newest export describes it.
select
    observation.session_id,  -- Session (core.session).
    observation.patient_id,  -- Pseudonym of the patient.
    observation.kind,  -- What was observed.
    observation.minute,  -- Minutes from dose to observation.
    observation.value,  -- What was seen, in the unit of the kind.
    observation.file_number,  -- Export file; core.accounting names it.
    observation.source_line  -- Line of the export file.
from clean.session_observation as observation
inner join core.session_observation_version as version using (file_number, source_line)
where version.standing = 'kept'
