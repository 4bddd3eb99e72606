-- shard: patient_id
-- One row per course: the completed medicine sessions of one patient without a gap of more than gap_days (ref.setting).
-- Day 0 is the date of the first of them. Site and programme are those of the first session that names one, else the
-- patient's.
-- Format is derived from dates alone (ref.course_format: the first row that fits, else `other`); a programme's name
-- is not believed.
-- Caveat: the median gap counts boosters too, so a short series with many boosters is `other`.
with
    treatments as (select * from core.session where is_treatment),
    courses as (
        select
            course_id,
            any_value(patient_id) as patient_id,
            min(started_on) as day_0,
            min(started_at) filter (where days = 0) as day_0_at,
            max(started_on) as last_medicine_on,
            max(started_on) filter (where phase = 'induction') as end_of_induction_on,
            arg_max_null(started_at, treatment_number) filter (where phase = 'induction') as end_of_induction_at,
            count(*) as medicine_sessions,
            count(*) filter (where phase = 'induction') as induction_sessions,
            count(*) filter (where phase = 'maintenance') as maintenance_sessions,
            median(gap_days)::decimal(9, 1) as median_gap_days,
            list_sort(list(days)) as days,
            arg_min(site_id, treatment_number) as site_id,
            arg_min(programme_id, treatment_number) as programme_id,
            case when min(route) = max(route) then min(route) when min(route) is not null then 'mixed' end as route
        from treatments
        group by course_id
    ),
    -- How many days a number of sessions took is seen in the list of days: no row per session and format is needed.
    formats_by_series as (
        select courses.course_id, format.format
        from courses
        inner join ref.course_format as format on courses.medicine_sessions >= format.sessions
        where
            list_bool_or(
                list_transform(
                    courses.days,
                    lambda day,
                    place:courses.days[place + format.sessions - 1] < format.of_first_days
                    and courses.days[place + format.sessions - 1] - day < format.within_days
                )
            )
    ),
    formats as (
        select courses.course_id, arg_min(format.format, format.ordinal) as format
        from courses
        cross join ref.course_format as format
        left join formats_by_series as series on courses.course_id = series.course_id and format.format = series.format
        where
            series.course_id is not null
            or courses.median_gap_days between format.median_gap_low and format.median_gap_high
        group by all
    )
select
    courses.course_id,  -- Patient and number of the course.
    courses.patient_id,  -- Pseudonym of the patient.
    row_number() over (partition by courses.patient_id order by courses.day_0)::integer as course_number,  -- From 1.
    courses.day_0,  -- Date of the first medicine session.
    courses.day_0_at,  -- Start of the first medicine session, UTC; empty where only the date is known.
    lead(courses.day_0) over (partition by courses.patient_id order by courses.day_0) as next_day_0,  -- Day 0 of the patient's next course.
    courses.last_medicine_on,  -- Date of the last medicine session.
    courses.end_of_induction_on,  -- Date of the last induction session; empty where there was none.
    courses.end_of_induction_at,  -- Start of the last induction session, UTC; empty where only the date is known.
    courses.medicine_sessions::integer as medicine_sessions,  -- Completed medicine sessions.
    courses.induction_sessions::integer as induction_sessions,  -- Of these, induction.
    courses.maintenance_sessions::integer as maintenance_sessions,  -- Of these, maintenance (boosters).
    courses.median_gap_days,  -- Median of the days between medicine sessions; empty for a single session.
    coalesce(formats.format, 'other') as format,  -- Intensive, weekly, biweekly or other, from the dates of the sessions.
    courses.route,  -- Route of administration; mixed where the course had several.
    coalesce(courses.site_id, patient.site_id) as site_id,  -- Site of the course.
    coalesce(courses.programme_id, patient.programme_id) as programme_id,  -- Programme of the course.
    patient.indication,  -- Why the patient is treated.
    patient.indication_subtype,  -- Subtype of the indication.
    patient.failed_antidepressants,  -- Antidepressants that failed before; empty where unknown.
    coalesce(resistance.treatment_resistance, 'unknown') as treatment_resistance,  -- See ref.treatment_resistance, or `unknown`.
    patient.occupation,  -- Occupation group.
    patient.sex,  -- Sex as the clinic records it.
    patient.ethnicity,  -- Ethnicity as the clinic records it.
    patient.age_band  -- Age in bands, at enrolment.
from courses
left join formats using (course_id)
left join core.patient using (patient_id)
left join
    ref.treatment_resistance as resistance
    on patient.failed_antidepressants >= resistance.failed_from
    and (resistance.failed_to is null or patient.failed_antidepressants <= resistance.failed_to)
order by courses.patient_id, courses.day_0
