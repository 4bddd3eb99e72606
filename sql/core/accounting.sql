-- One row per export file: where each of its rows went.
-- rows_in = accepted + duplicate + superseded + rejected; a refused file has no counts, since its rows were never
-- told apart.
-- Accepted rows of people who have withdrawn since are counted still, so that no count of a file tells how many rows
-- somebody had: rows_withdrawn of them are in no file any more (docs/withdrawal.md).
-- Rejected rows and repetitions inside the file were counted at the entrance; what other files repeat or correct is
-- counted here.
with
    withdrawn_patients as (select distinct patient_id from clean.patient where withdrawn_on is not null),
    versions as (
        select file_number, source_rows, standing
        from core.patient_version
        union all
        select file_number, source_rows, standing
        from core.session_version
        union all
        select file_number, source_rows, standing
        from core.form_version
        union all
        select file_number, source_rows, standing
        from core.adverse_event_version
        union all
        select file_number, source_rows, standing
        from core.session_observation_version
        union all
        select file_number, source_rows, 'withdrawn' as standing
        from clean.patient
        semi join withdrawn_patients using (patient_id)
        union all
        select file_number, source_rows, 'withdrawn' as standing
        from clean.session
        semi join withdrawn_patients using (patient_id)
        union all
        select file_number, source_rows, 'withdrawn' as standing
        from clean.form
        semi join withdrawn_patients using (patient_id)
        union all
        select file_number, source_rows, 'withdrawn' as standing
        from clean.adverse_event
        semi join withdrawn_patients using (patient_id)
        union all
        select file_number, source_rows, 'withdrawn' as standing
        from clean.session_observation
        semi join withdrawn_patients using (patient_id)
    ),
    rows_by_file as (
        select
            file_number,
            sum(source_rows) filter (where standing in ('kept', 'withdrawn'))::bigint as accepted,
            sum(source_rows) filter (where standing = 'duplicate')::bigint as duplicate,
            sum(source_rows) filter (where standing = 'superseded')::bigint as superseded,
            sum(source_rows) filter (where standing = 'withdrawn')::bigint as withdrawn
        from versions
        group by all
    )
select
    file.file_number,  -- Export file, numbered from the oldest to the newest.
    file.ingest_id,  -- SHA-256 of the file's bytes.
    file.source_file,  -- Name of the file when it was first seen.
    file.table_name,  -- Clean table that the file fills.
    file.status,  -- Whether the file was accepted or refused.
    file.code,  -- Why the file was refused; empty where it was not.
    file.exported_on,  -- Day of the export.
    file.arrival,  -- Ordinal of the run that took the file in, where the file does not say its day.
    file.rows_in,  -- Rows of the file.
    case
        when file.status = 'accepted' then coalesce(rows_by_file.accepted, 0) + coalesce(file.rows_withdrawn, 0)
    end as accepted,  -- Rows that count today, and those of people who have withdrawn.
    case
        when file.status = 'accepted' then coalesce(file.rows_duplicate, 0) + coalesce(rows_by_file.duplicate, 0)
    end as duplicate,  -- Rows that repeat another one.
    case when file.status = 'accepted' then coalesce(rows_by_file.superseded, 0) end as superseded,  -- Rows that a newer export corrected.
    case when file.status = 'accepted' then coalesce(file.rows_rejected, 0) end as rejected,  -- Rows that broke a rule.
    case
        when file.status = 'accepted' then coalesce(rows_by_file.withdrawn, 0) + coalesce(file.rows_withdrawn, 0)
    end as withdrawn  -- Of the accepted: withdrawn patients.
from meta.input_file as file
left join rows_by_file using (file_number)
order by file.file_number
