-- shard: patient_id
-- One row per session as the newest export describes it, with the course and the phase it belongs to.
-- A course is the completed medicine sessions of a patient without a gap of more than gap_days; an empty status means
-- completed.
-- Any other session belongs to the latest course begun by its day, and before the first course to the first one.
-- Phase is the clinic's label; without one, medicine sessions are induction until induction_days after day 0 or until
-- the first gap of
-- more than induction_gap_days, whichever comes first, and maintenance from then on. The numbers are in ref.setting.
with
    kept_sessions as (
        select
            session.*, session.kind = 'medicine' and coalesce(session.status, 'completed') = 'completed' as is_treatment
        from clean.session
        inner join core.session_version as version using (file_number, source_line)
        where version.standing = 'kept'
    ),
    treatments as (
        select
            patient_id,
            session_id,
            started_on,
            started_at,
            started_on - lag(started_on) over (
                partition by patient_id order by started_on, started_at nulls last, session_id
            ) as gap_days
        from kept_sessions
        where is_treatment
    ),
    treatments_by_course as (
        select
            treatments.*,
            setting.induction_days,
            setting.induction_gap_days,
            1 + count(*) filter (where treatments.gap_days > setting.gap_days) over (
                partition by treatments.patient_id
                order by treatments.started_on, treatments.started_at nulls last, treatments.session_id
                rows unbounded preceding
            ) as course_number
        from treatments
        cross join ref.setting
    ),
    courses as (select patient_id, course_number, min(started_on) as day_0 from treatments_by_course group by all),
    spans as (
        select
            patient_id,
            course_number,
            day_0,
            case when course_number = 1 then '-infinity'::date else day_0 end as from_on,
            lead(day_0, 1, 'infinity'::date) over (partition by patient_id order by course_number) as before_on
        from courses
    ),
    treatments_in_phase as (
        select
            treatment.session_id,
            row_number() over in_course as treatment_number,
            case when row_number() over in_course > 1 then treatment.gap_days end as gap_days,
            case
                when
                    treatment.started_on - courses.day_0 > treatment.induction_days
                    or bool_or(
                        treatment.started_on > courses.day_0 and treatment.gap_days > treatment.induction_gap_days
                    ) over in_course
                then 'maintenance'
                else 'induction'
            end as phase
        from treatments_by_course as treatment
        inner join courses using (patient_id, course_number)
        window
            in_course as (
                partition by treatment.patient_id, treatment.course_number
                order by treatment.started_on, treatment.started_at nulls last, treatment.session_id
                rows unbounded preceding
            )
    )
select
    session.session_id,  -- Identifier of the session.
    session.patient_id,  -- Pseudonym of the patient.
    session.patient_id || '/' || spans.course_number as course_id,  -- Course of the session; empty for patients without one.
    session.site_id,  -- Site where the session took place.
    session.started_at,  -- Start of the session, UTC; empty where the export gives only a date.
    session.started_on,  -- Calendar date of the start at the site.
    (session.started_on - spans.day_0)::integer as days,  -- Days since day 0 of the course; negative before it.
    session.kind,  -- What the session is for.
    session.status,  -- What became of the session; empty means completed.
    session.is_treatment,  -- Whether it is a completed medicine session.
    treatment.treatment_number::integer as treatment_number,  -- Place among the medicine sessions of the course, from 1.
    treatment.gap_days::integer as gap_days,  -- Days since the medicine session before it in the course.
    coalesce(session.phase, treatment.phase) as phase,  -- Induction or maintenance; from dates where there is no label.
    session.route,  -- Route of administration.
    session.dose_mg,  -- Dose given, mg.
    session.weight_kg,  -- Body weight, kg.
    session.dose_mg_per_kg,  -- Dose per body weight, mg/kg.
    session.duration_min,  -- Length of the session, min.
    session.modality,  -- Psychotherapies of the session, separated by + ; or |.
    session.programme_id,  -- Programme of the session.
    session.group_size,  -- Patients treated together.
    session.sbp_before_mmhg,  -- Systolic pressure before, mmHg.
    session.dbp_before_mmhg,  -- Diastolic pressure before, mmHg.
    session.hr_before_bpm,  -- Heart rate before, 1/min.
    session.sbp_peak_mmhg,  -- Highest systolic pressure, mmHg.
    session.dbp_peak_mmhg,  -- Highest diastolic pressure, mmHg.
    session.hr_peak_bpm,  -- Highest heart rate, 1/min.
    session.sbp_after_mmhg,  -- Systolic pressure after, mmHg.
    session.dbp_after_mmhg,  -- Diastolic pressure after, mmHg.
    session.hr_after_bpm,  -- Heart rate after, 1/min.
    session.spo2_min_pct,  -- Lowest oxygen saturation, %.
    session.cadss_total,  -- CADSS total in the session, points.
    session.cadss6_total,  -- CADSS-6 total in the session, points.
    session.meq30_total,  -- MEQ-30 total after the session, points.
    session.dissociation_onset_min,  -- Dose to first dissociation, min.
    session.dissociation_peak_min,  -- Dose to strongest dissociation, min.
    session.dissociation_resolved_min,  -- Dose to end of dissociation, min.
    session.ready_to_leave_min,  -- Dose to readiness to leave, min.
    session.monitored_min,  -- Time under observation, min.
    session.file_number,  -- Export file; core.accounting names it.
    session.source_line  -- Line of the export file.
from kept_sessions as session
left join
    spans
    on session.patient_id = spans.patient_id
    and session.started_on >= spans.from_on
    and session.started_on < spans.before_on
left join treatments_in_phase as treatment using (session_id)
