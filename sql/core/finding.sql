-- What only the tables together can show: one row per question of ref.finding, with how many rows were looked at and
-- how many it is true of.
-- A finding costs nothing: the rows are kept, and the published quality table shows the counts.
with
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
