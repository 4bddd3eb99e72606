-- shard: patient_id
-- One row per version of a form: which export row counts, and what became of the others.
-- The newest export wins (file_number orders files by export date, arrival and content hash), whatever order they
-- came in.
-- Codings of one questionnaire (ref.coding) become that questionnaire; a total in other units is brought to its scale.
-- A repeated row with the same content is a duplicate; one with other content was superseded. Patients who withdrew
-- have none.
with
    withdrawn_patients as (select distinct patient_id from clean.patient where withdrawn_on is not null),
    repeated_forms as (select form_id from clean.form group by all having count(*) > 1),
    winners as (
        select form_id, max(form_number) as form_number, arg_max(content, form_number) as content
        from clean.form
        semi join repeated_forms using (form_id)
        group by all
    )
select
    version.form_id,  -- Identifier of the form; made at the entrance where the export has none.
    version.form_number,  -- Number of the version over all files; joins to its answers and scores.
    case
        when winners.form_id is null or version.form_number = winners.form_number
        then 'kept'
        when version.content is not distinct from winners.content
        then 'duplicate'
        else 'superseded'
    end as standing,  -- What became of the version: kept, duplicate or superseded.
    version.patient_id,  -- Pseudonym of the patient.
    version.session_id,  -- Session the form belongs to, where the export says so.
    version.site_id,  -- Site where the form was filled in.
    coalesce(coding.questionnaire_id, version.instrument_id) as questionnaire_id,  -- Questionnaire, however its answers are coded.
    version.instrument_version,  -- Version or language of the questionnaire.
    coalesce(version.scale_id, 'total') as scale_id,  -- Scale that reported_total is the total of.
    version.answered_at,  -- When the form was filled in, UTC; empty where the export gives only a date.
    version.answered_on,  -- Calendar date of the answer at the site.
    (version.reported_total * coalesce(coding.factor, 1))::decimal(18, 6) as reported_total,  -- Total that the export reports; a raw one scaled (ref.coding).
    version.answers,  -- Item answers that the form brings.
    version.file_number,  -- Export file, numbered from the oldest to the newest; core.accounting names it.
    version.source_line,  -- Line of the export file.
    version.source_rows  -- Rows of the export file that this version was made from.
from clean.form as version
left join winners using (form_id)
left join ref.coding on version.instrument_id = coding.coding_id
anti join withdrawn_patients using (patient_id)
