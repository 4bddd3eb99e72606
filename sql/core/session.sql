-- shard: patient_id
-- One row per session as the newest export describes it, with the course and the phase it belongs to.
-- A course is the completed medicine sessions of a patient without a gap of more than gap_days; an empty status means
-- completed.
-- Any other session belongs to the latest course begun by its day, and before the first course to the first one.
-- Phase is the clinic's label; without one, medicine sessions are induction until induction_days after day 0 or until
-- the first gap of
-- more than induction_gap_days, whichever comes first, and maintenance from then on. The numbers are in ref.setting.
with
    withdrawn_patients as (select distinct patient_id from clean.patient where withdrawn_on is not null),
    overridden as (select file_number, source_line from core.session_version where standing <> 'kept'),
    -- Sessions are put in order by a few narrow columns; what is only carried along is joined at the end.
    kept_sessions as (
        select
            patient_id,
            session_id,
            started_on,
            started_at,
            kind = 'medicine' and coalesce(status, 'completed') = 'completed' as is_treatment,
            file_number,
            source_line
        from clean.session
        anti join overridden using (file_number, source_line)
        anti join withdrawn_patients using (patient_id)
    ),
    -- Behind the treatments of its day, any other session finds the course begun by then.
    sessions_in_order as (
        select
            *,
            row_number() over in_order as place,
            count(*) filter (where is_treatment) over (in_order rows unbounded preceding) as treatments_so_far,
            max(started_on) filter (where is_treatment) over (
                in_order rows between unbounded preceding and 1 preceding
            ) as treated_before_on
        from kept_sessions
        window
            in_order as (
                partition by patient_id order by started_on, not is_treatment, started_at nulls last, session_id
            )
    ),
    sessions_with_gaps as (
        select
            patient_id,
            started_on,
            is_treatment,
            place,
            treatments_so_far,
            file_number,
            source_line,
            setting.induction_days,
            setting.induction_gap_days,
            case when is_treatment then started_on - treated_before_on end as gap_days,
            is_treatment and coalesce(started_on - treated_before_on > setting.gap_days, true) as begins_course
        from sessions_in_order
        cross join ref.setting
    ),
    sessions_in_courses as (
        select
            *,
            count(*) filter (where begins_course) over so_far as courses_so_far,
            max(started_on) filter (where begins_course) over so_far as latest_day_0,
            min(started_on) filter (where begins_course) over (partition by patient_id) as first_day_0,
            max(treatments_so_far) filter (where begins_course) over so_far as course_began_at,
            max(treatments_so_far) filter (where gap_days > induction_gap_days) over so_far as latest_gap_at
        from sessions_with_gaps
        window so_far as (partition by patient_id order by place rows unbounded preceding)
    ),
    placed as (
        select
            file_number,
            source_line,
            is_treatment,
            case when first_day_0 is not null then greatest(courses_so_far, 1) end as course_number,
            (started_on - coalesce(latest_day_0, first_day_0))::integer as days,
            case when is_treatment then treatments_so_far - course_began_at + 1 end::integer as treatment_number,
            case when not begins_course then gap_days end::integer as gap_days,
            case
                when is_treatment
                then
                    case
                        when started_on - latest_day_0 > induction_days or latest_gap_at > course_began_at
                        then 'maintenance'
                        else 'induction'
                    end
            end as phase
        from sessions_in_courses
    )
select
    session.session_id,  -- Identifier of the session.
    session.patient_id,  -- Pseudonym of the patient.
    session.patient_id || '/' || placed.course_number as course_id,  -- Course of the session; empty for patients without one.
    session.site_id,  -- Site where the session took place.
    session.started_at,  -- Start of the session, UTC; empty where the export gives only a date.
    session.started_on,  -- Calendar date of the start at the site.
    placed.days,  -- Days since day 0 of the course; negative before it.
    session.kind,  -- What the session is for.
    session.status,  -- What became of the session; empty means completed.
    placed.is_treatment,  -- Whether it is a completed medicine session.
    placed.treatment_number,  -- Place among the medicine sessions of the course, from 1.
    placed.gap_days,  -- Days since the medicine session before it in the course.
    coalesce(session.phase, placed.phase) as phase,  -- Induction or maintenance; from dates where there is no label.
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
from clean.session as session
inner join placed using (file_number, source_line)
