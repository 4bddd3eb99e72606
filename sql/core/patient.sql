-- shard: patient_id
-- One row per patient as the newest export describes them; patients who withdrew are in no table.
select
    patient.patient_id,  -- Pseudonym of the patient.
    patient.site_id,  -- Site that treats the patient.
    patient.sex,  -- Sex as the clinic records it.
    patient.age_band,  -- Age in bands, at enrolment.
    patient.birth_year,  -- Year of birth.
    patient.ethnicity,  -- Ethnicity as the clinic records it.
    patient.occupation,  -- Occupation group.
    patient.indication,  -- Why the patient is treated.
    patient.indication_subtype,  -- Subtype of the indication.
    patient.failed_antidepressants,  -- Antidepressants that failed before; empty where unknown.
    patient.prior_psychotherapy,  -- Whether the patient had psychotherapy before.
    patient.programme_id,  -- Programme the patient enrolled in.
    patient.enrolled_on,  -- Day of enrolment.
    patient.screened_on,  -- Day of screening.
    patient.screen_result,  -- Result of screening.
    patient.exclusion_reason,  -- Why screening excluded the patient.
    patient.file_number,  -- Export file; core.accounting names it.
    patient.source_line  -- Line of the export file.
from clean.patient
inner join core.patient_version as version using (file_number, source_line)
where version.standing = 'kept'
order by patient.patient_id
