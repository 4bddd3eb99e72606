-- What only the tables together can show: one row per question of ref.finding, with how many rows were looked at and
-- how many it is true of.
-- A finding costs nothing: the rows are kept, and the published quality table shows the counts.
with
    session_after_session as (
        select
            started_at,
            lag(started_at) over (partition by patient_id order by started_at, session_id) as earlier_started_at,
            lag(duration_min) over (partition by patient_id order by started_at, session_id)::integer as earlier_minutes
        from core.session
        where started_at is not null and coalesce(status, 'completed') in ('completed', 'stopped_early')
        qualify earlier_started_at is not null and earlier_minutes is not null
    ),
    withdrawals as (
        select patient_id, min(withdrawn_on) as withdrawn_on
        from clean.patient
        where withdrawn_on is not null
        group by all
    ),
    counted as (
        select 'FND-01' as code, count(reported_total) as checked, count(*) filter (where contradicts) as violated
        from core.score
        where items_answered > 0
        union all
        select 'FND-02' as code, count(*) as checked, count(*) filter (where score is null) as violated
        from core.score
        union all
        select 'FND-03' as code, count(*) as checked, count(*) filter (where patient.patient_id is null) as violated
        from core.session
        left join core.patient using (patient_id)
        where exists (select 1 from core.patient)
        union all
        select
            'FND-04' as code,
            count(patient.enrolled_on) as checked,
            count(*) filter (where session.started_on < patient.enrolled_on) as violated
        from core.session
        inner join core.patient using (patient_id)
        union all
        select 'FND-05' as code, count(*) as checked, count(*) filter (where course.patient_id is null) as violated
        from core.form
        left join (select distinct patient_id from core.course) as course using (patient_id)
        union all
        select
            'FND-06' as code,
            count(*) filter (where session.programme_id is not null and patient.programme_id is not null) as checked,
            count(*) filter (where session.programme_id <> patient.programme_id) as violated
        from core.session
        inner join core.patient using (patient_id)
        union all
        select
            'FND-20' as code,
            count(care.promised_format) as checked,
            count(*) filter (where care.promised_format <> course.format) as violated
        from core.course
        inner join core.course_care as care using (course_id)
        union all
        select
            'FND-21' as code,
            count(*) as checked,
            count(*) filter (
                where session.started_at < session.earlier_started_at + to_minutes(session.earlier_minutes)
            ) as violated
        from session_after_session as session
        union all
        select
            'FND-22' as code,
            count(*) as checked,
            count(*) filter (where session.dose_mg > 0 or session.dose_mg_per_kg > 0) as violated
        from core.session
        where session.status in ('cancelled', 'no_show')
        union all
        select
            'FND-23' as code,
            count(session.dose_mg * session.dose_mg_per_kg * session.weight_kg) as checked,
            count(*) filter (
                where
                    abs(session.dose_mg - session.dose_mg_per_kg * session.weight_kg)
                    > dose_check.tolerance * session.dose_mg
            ) as violated
        from core.session
        cross join ref.dose_check
        union all
        select
            'FND-24' as code,
            count(*) as checked,
            count(*) filter (where session.started_on > withdrawal.withdrawn_on) as violated
        from clean.session
        inner join withdrawals as withdrawal using (patient_id)
    )
select
    counted.code,  -- Finding (ref.finding says what it is and what to do).
    finding.table_name,  -- Clean table whose rows were looked at.
    finding.column_name,  -- Column that the finding is about.
    finding.severity,  -- What it costs: a note costs nothing.
    finding.message,  -- What was found, in a sentence.
    counted.checked,  -- Rows that were looked at.
    counted.violated  -- Rows that it is true of.
from counted
inner join ref.finding using (code)
