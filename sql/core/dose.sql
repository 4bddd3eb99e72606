-- shard: patient_id
-- One row per dose: a medicine session that was given, whether in full or stopped early, with what happened around it.
-- Dose per weight is the export's, else dose / weight; its band is ref.dose_band's for the route.
-- The first integration session after a dose counts if it comes before the next dose. The delay is in hours where both
-- instants are known, else in whole days of 24 hours; a session without a time stands behind those of its day.
-- Caveat: a sum of mg over routes adds what is absorbed very differently.
with
    given as (
        select *, coalesce(status, 'completed') = 'completed' as was_given_in_full
        from core.session
        where kind = 'medicine' and coalesce(status, 'completed') in ('completed', 'stopped_early')
    ),
    events as (
        select patient_id, session_id, started_on, started_at, 'dose' as event
        from given
        union all
        select patient_id, session_id, started_on, started_at, 'integration' as event
        from core.session
        where kind = 'integration' and coalesce(status, 'completed') = 'completed'
    ),
    events_in_order as (
        select
            events.*,
            row_number() over (partition by patient_id order by started_on, started_at nulls last, session_id) as place
        from events
    ),
    doses_with_next as (
        select
            patient_id,
            session_id,
            event,
            started_on,
            started_at,
            min(place) filter (where event = 'dose') over later as next_dose,
            min(place) filter (where event = 'integration') over later as next_integration
        from events_in_order
        window later as (partition by patient_id order by place rows between 1 following and unbounded following)
    ),
    integrations as (
        select
            dose.session_id,
            case
                when integration.started_at is not null and dose.started_at is not null
                then ((epoch_us(integration.started_at) - epoch_us(dose.started_at)) / 3600000000)::decimal(18, 6)
                else 24 * (integration.started_on - dose.started_on)::decimal(18, 6)
            end as hours_to_integration
        from doses_with_next as dose
        inner join
            events_in_order as integration
            on dose.patient_id = integration.patient_id
            and dose.next_integration = integration.place
        where dose.event = 'dose' and coalesce(dose.next_integration < dose.next_dose, true)
    ),
    weighed as (
        select
            given.*,
            coalesce(given.dose_mg_per_kg, (given.dose_mg / nullif(given.weight_kg, 0))::decimal(18, 6)) as mg_per_kg,
            coalesce(given.dose_mg, given.dose_mg_per_kg * given.weight_kg)::decimal(18, 6) as mg
        from given
    )
select
    weighed.session_id,  -- Session of the dose (core.session).
    weighed.patient_id,  -- Pseudonym of the patient.
    weighed.course_id,  -- Course of the dose; empty where the patient never completed one.
    weighed.started_on,  -- Calendar date of the dose at the site.
    weighed.days,  -- Days since day 0 of the course.
    weighed.phase,  -- Induction or maintenance.
    weighed.route,  -- Route of administration.
    weighed.was_given_in_full::integer as was_given_in_full,  -- 1 where the session was completed, 0 where it was stopped early.
    row_number() over (
        partition by weighed.course_id order by weighed.started_on, weighed.started_at nulls last, weighed.session_id
    )::integer as number_in_course,  -- Place among the doses of the course, from 1.
    weighed.mg as dose_mg,  -- Dose given, mg.
    weighed.mg_per_kg as dose_mg_per_kg,  -- Dose per body weight, mg/kg.
    band.dose_band,  -- Band of the dose per weight for the route (ref.dose_band).
    case when weighed.phase = 'induction' then weighed.gap_days end as gap_days,  -- Days since the dose before it, within induction.
    weighed.duration_min,  -- Length of the session, min.
    weighed.monitored_min,  -- Time under observation, min.
    weighed.dissociation_onset_min,  -- Dose to first dissociation, min.
    weighed.dissociation_peak_min,  -- Dose to strongest dissociation, min.
    weighed.dissociation_resolved_min,  -- Dose to end of dissociation, min.
    weighed.ready_to_leave_min,  -- Dose to readiness to leave, min.
    weighed.dissociation_resolved_min - weighed.ready_to_leave_min as resolved_after_leaving_min,  -- Above 0 where dissociation outlasted the stay.
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
    integrations.hours_to_integration,  -- Hours to the first integration session before the next dose; empty where there was none.
    sum(weighed.mg) over (
        partition by weighed.patient_id
        order by weighed.started_on range between interval 364 days preceding and current row
    ) as mg_in_12_months,  -- Sum of doses in the 365 days that end with it, mg.
    count(*) over (
        partition by weighed.patient_id
        order by weighed.started_on range between interval 364 days preceding and current row
    )::integer as doses_in_12_months  -- Doses in the 365 days that end with it, this one included.
from weighed
left join integrations using (session_id)
left join
    ref.dose_band as band
    on weighed.route = band.route
    and weighed.mg_per_kg >= band.from_mg_per_kg
    and (band.below_mg_per_kg is null or weighed.mg_per_kg < band.below_mg_per_kg)
