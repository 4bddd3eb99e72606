-- shard: patient_id
-- One row per version of a patient: which export row counts, and what became of the others.
-- The newest export wins (file_number orders files by export date, arrival and content hash), whatever order they
-- came in.
-- A repeated row with the same content is a duplicate; one with other content was superseded.
-- A patient who withdrew in any version has none, whatever a later export says.
with
    withdrawn_patients as (select distinct patient_id from clean.patient where withdrawn_on is not null),
    winners as (
        select
            patient_id,
            max(file_number * 4294967296 + source_line) as version_number,
            arg_max(content, file_number * 4294967296 + source_line) as content
        from clean.patient
        group by all
    )
select
    version.patient_id,  -- Pseudonym of the patient.
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
from clean.patient as version
inner join winners using (patient_id)
anti join withdrawn_patients using (patient_id)
