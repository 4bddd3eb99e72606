-- shard: event_id of clean.adverse_event
-- One row per version of an adverse event: which export row counts, and what became of the others.
-- The newest export wins (file_number orders files by export date, arrival and content hash), whatever order they
-- came in.
-- A repeated row with the same content is a duplicate; one with other content was superseded. Patients who withdrew
-- have none.
with
    withdrawn_patients as (select distinct patient_id from clean.patient where withdrawn_on is not null),
    repeated_keys as (select event_id from clean.adverse_event group by all having count(*) > 1),
    winners as (
        select
            event_id,
            max(file_number * 4294967296 + source_line) as version_number,
            arg_max(content, file_number * 4294967296 + source_line) as content
        from clean.adverse_event
        semi join repeated_keys using (event_id)
        group by all
    )
select
    version.event_id,  -- Identifier of the event.
    version.file_number,  -- Export file, numbered from the oldest to the newest.
    version.source_line,  -- Line of the export file.
    version.source_rows,  -- Rows of the export file that this version was made from.
    case
        when winners.event_id is null or version.file_number * 4294967296 + version.source_line = winners.version_number
        then 'kept'
        when version.content is not distinct from winners.content
        then 'duplicate'
        else 'superseded'
    end as standing  -- What became of the version: kept, duplicate or superseded.
from clean.adverse_event as version
left join winners using (event_id)
anti join withdrawn_patients using (patient_id)
