-- One row per version of a form: which export row counts, and what became of the others.
-- The newest export wins (file_number orders files by export date, arrival and content hash), whatever order they
-- came in.
-- A repeated row with the same content is a duplicate; one with other content was superseded.
with
    withdrawn_patients as (select distinct patient_id from clean.patient where withdrawn_on is not null),
    winners as (
        select form_id, max(form_number) as form_number, arg_max(content, form_number) as content
        from clean.form
        group by all
    )
select
    case when withdrawn_patients.patient_id is null then version.form_id end as form_id,  -- Identifier of the form.
    version.form_number,  -- Number of the version over all files; joins to the answers.
    version.file_number,  -- Export file, numbered from the oldest to the newest.
    version.source_line,  -- Line of the export file.
    version.source_rows,  -- Rows of the export file that this version was made from.
    case
        when withdrawn_patients.patient_id is not null
        then 'withdrawn'
        when version.form_number = winners.form_number
        then 'kept'
        when version.content is not distinct from winners.content
        then 'duplicate'
        else 'superseded'
    end as standing  -- What became of the version: kept, duplicate, superseded or withdrawn.
from clean.form as version
inner join winners using (form_id)
left join withdrawn_patients using (patient_id)
