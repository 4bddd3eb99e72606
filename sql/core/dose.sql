-- shard: patient_id
-- One row per dose: a medicine session that was given, whether in full or stopped early, with what happened around it.
-- Dose per weight is the export's, else dose / weight; its band is ref.dose_band's for the route.
-- The first integration session after a dose counts if it comes before the next dose. The delay is in hours where both
-- instants are known, else in whole days of 24 hours; a session without a time stands behind those of its day.
-- Caveat: a sum of mg over routes adds what is absorbed very differently.
-- Times of dissociation are those of the session; where it has none, those of its curve (core.observed_clock).
with
    -- Doses and the integration sessions between them are put in order by a few narrow columns; what is only carried
    -- along is joined at the end.
    events as (
        select
            session_id,
            patient_id,
            course_id,
            started_on,
            started_at,
            started_on - date '1970-01-01' as day_number,
            kind = 'medicine' as is_dose,
            case when kind = 'medicine' then coalesce(dose_mg, dose_mg_per_kg * weight_kg)::decimal(18, 6) end as mg
        from core.session
        where
            (kind = 'medicine' and coalesce(status, 'completed') in ('completed', 'stopped_early'))
            or (kind = 'integration' and coalesce(status, 'completed') = 'completed')
    ),
    events_in_order as (
        select
            *,
            lead(is_dose) over in_order as is_dose_next,
            lead(started_on) over in_order as next_on,
            lead(started_at) over in_order as next_at,
            count(*) filter (where is_dose) over (in_order rows unbounded preceding) as doses_so_far,
            sum(mg) over in_12_months as mg_in_12_months,
            count(*) filter (where is_dose) over in_12_months as doses_in_12_months
        from events
        window
            -- Days as numbers, so that the order of events and the twelve months share one sort.
            in_order as (partition by patient_id order by day_number, started_at nulls last, session_id),
            in_12_months as (partition by patient_id order by day_number range between 364 preceding and current row)
    ),
    doses as (
        select
            session_id,
            mg,
            doses_so_far - min(doses_so_far) over (partition by course_id) + 1 as number_in_course,
            case
                when is_dose_next
                then null
                when started_at is not null and next_at is not null
                then ((epoch_us(next_at) - epoch_us(started_at)) / 3600000000)::decimal(18, 6)
                else 24 * (next_on - started_on)::decimal(18, 6)
            end as hours_to_integration,
            mg_in_12_months,
            doses_in_12_months
        from events_in_order
        where is_dose
    ),
    weighed as (
        select
            session.*,
            dose.* exclude (session_id),
            coalesce(
                session.dose_mg_per_kg, (session.dose_mg / nullif(session.weight_kg, 0))::decimal(18, 6)
            ) as mg_per_kg
        from core.session
        inner join doses as dose using (session_id)
    )
select
    weighed.session_id,  -- Session of the dose (core.session).
    weighed.patient_id,  -- Pseudonym of the patient.
    weighed.course_id,  -- Course of the dose; empty where the patient never completed one.
    weighed.started_on,  -- Calendar date of the dose at the site.
    weighed.days,  -- Days since day 0 of the course.
    weighed.phase,  -- Induction or maintenance.
    weighed.route,  -- Route of administration.
    (coalesce(weighed.status, 'completed') = 'completed')::integer as was_given_in_full,  -- 1 where the session was completed, 0 where it was stopped early.
    case when weighed.course_id is not null then weighed.number_in_course end::integer as number_in_course,  -- Place among the doses of the course, from 1.
    weighed.mg as dose_mg,  -- Dose given, mg.
    weighed.mg_per_kg as dose_mg_per_kg,  -- Dose per body weight, mg/kg.
    band.dose_band,  -- Band of the dose per weight for the route (ref.dose_band).
    case when weighed.phase = 'induction' then weighed.gap_days end as gap_days,  -- Days since the dose before it, within induction.
    weighed.duration_min,  -- Length of the session, min.
    weighed.monitored_min,  -- Time under observation, min.
    coalesce(weighed.dissociation_onset_min, clock.onset_min) as dissociation_onset_min,  -- Dose to first dissociation, min.
    coalesce(weighed.dissociation_peak_min, clock.peak_min) as dissociation_peak_min,  -- Dose to strongest dissociation, min.
    coalesce(weighed.dissociation_resolved_min, clock.resolved_min) as dissociation_resolved_min,  -- Dose to end of dissociation, min.
    weighed.ready_to_leave_min,  -- Dose to readiness to leave, min.
    coalesce(weighed.dissociation_resolved_min, clock.resolved_min)
    - weighed.ready_to_leave_min as resolved_after_leaving_min,  -- Above 0 where dissociation outlasted the stay.
    weighed.cadss_total,  -- CADSS total in the session, points.
    weighed.cadss6_total,  -- CADSS-6 total in the session, points.
    weighed.meq30_total,  -- MEQ-30 total after the session, points.
    weighed.sbp_peak_mmhg,  -- Highest systolic pressure, mmHg.
    weighed.dbp_peak_mmhg,  -- Highest diastolic pressure, mmHg.
    weighed.hr_peak_bpm,  -- Highest heart rate, 1/min.
    weighed.sbp_peak_mmhg - weighed.sbp_before_mmhg as sbp_rise_mmhg,  -- Its rise over the value before, mmHg.
    weighed.dbp_peak_mmhg - weighed.dbp_before_mmhg as dbp_rise_mmhg,  -- The same of the diastolic pressure, mmHg.
    weighed.hr_peak_bpm - weighed.hr_before_bpm as hr_rise_bpm,  -- The same of the heart rate, 1/min.
    weighed.spo2_min_pct,  -- Lowest oxygen saturation, %.
    weighed.hours_to_integration,  -- Hours to the first integration session before the next dose; empty where there was none.
    weighed.mg_in_12_months::decimal(18, 6) as mg_in_12_months,  -- Sum of doses in the 365 days that end with it, mg.
    weighed.doses_in_12_months::integer as doses_in_12_months  -- Doses in the 365 days that end with it, this one included.
from weighed
left join core.observed_clock as clock using (session_id)
left join
    ref.dose_band as band
    on weighed.route = band.route
    and weighed.mg_per_kg >= band.from_mg_per_kg
    and (band.below_mg_per_kg is null or weighed.mg_per_kg < band.below_mg_per_kg)
