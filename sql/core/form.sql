-- kept as: view
-- shard: patient_id
-- One row per filled-in questionnaire as the newest export describes it, whether or not it could be scored.
select
    form_id,  -- Identifier of the form; made at the entrance where the export has none.
    form_number,  -- Number of the kept version over all files; joins to its answers and scores.
    patient_id,  -- Pseudonym of the patient.
    session_id,  -- Session the form belongs to, where the export says so.
    site_id,  -- Site where the form was filled in.
    questionnaire_id,  -- Questionnaire.
    instrument_version,  -- Version or language of the questionnaire.
    scale_id,  -- Scale that reported_total is the total of.
    answered_at,  -- When the form was filled in, UTC; empty where the export gives only a date.
    answered_on,  -- Calendar date of the answer at the site.
    reported_total,  -- Total as the export reports it.
    answers,  -- Item answers that the form brings.
    file_number,  -- Export file; core.accounting names it.
    source_line  -- Line of the export file.
from core.form_version
where standing = 'kept'
