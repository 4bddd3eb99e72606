-- One row per filled-in questionnaire as the newest export describes it, whether or not it could be scored.
select
    form.form_id,  -- Identifier of the form; made at the entrance where the export has none.
    form.form_number,  -- Number of the kept version over all files; joins to its answers.
    form.patient_id,  -- Pseudonym of the patient.
    form.session_id,  -- Session the form belongs to, where the export says so.
    form.site_id,  -- Site where the form was filled in.
    form.instrument_id as questionnaire_id,  -- Questionnaire.
    form.instrument_version,  -- Version or language of the questionnaire.
    coalesce(form.scale_id, 'total') as scale_id,  -- Scale that reported_total is the total of.
    form.answered_at,  -- When the form was filled in, UTC; empty where the export gives only a date.
    form.answered_on,  -- Calendar date of the answer at the site.
    form.reported_total,  -- Total as the export reports it.
    form.answers,  -- Item answers that the form brings.
    form.source_file,  -- Export file the row came from.
    form.source_line,  -- Line of the export file.
    form.ingest_id  -- SHA-256 of the export file.
from clean.form
inner join core.form_version as version using (form_number)
where version.standing = 'kept'
