-- shard: session_id of clean.session_observation
-- One row per version of an observation: which export row counts, and what became of the others.
-- The newest export wins (file_number orders files by export date, arrival and content hash), whatever order they
-- came in.
-- A repeated row with the same content is a duplicate; one with other content was superseded. Patients who withdrew
-- have none.
with
    withdrawn_patients as (select distinct patient_id from clean.patient where withdrawn_on is not null),
    winners as (
        select
            session_id,
            kind,
            minute,
            max(file_number * 4294967296 + source_line) as version_number,
            arg_max(content, file_number * 4294967296 + source_line) as content
        from clean.session_observation
        group by all
    )
select
    version.session_id,  -- Session of the observation.
    version.kind,  -- What was observed.
    version.minute,  -- Minutes from dose to observation.
    version.file_number,  -- Export file, numbered from the oldest to the newest.
    version.source_line,  -- Line of the export file.
    version.source_rows,  -- Rows of the export file that this version was made from.
    case
        when version.file_number * 4294967296 + version.source_line = winners.version_number
        then 'kept'
        when version.content is not distinct from winners.content
        then 'duplicate'
        else 'superseded'
    end as standing  -- What became of the version: kept, duplicate or superseded.
from clean.session_observation as version
inner join winners using (session_id, kind, minute)
anti join withdrawn_patients using (patient_id)
