-- Adverse events of each kind, the doses and patients that had one, and how many there were to have one, by level of
-- every
-- breakdown of courses and of doses. A kind that did not occur is a row of zeros.
-- An event whose dose is not known counts in the breakdowns of courses only; without a course, in the total.
-- Time at risk (core.exposure) belongs to courses, so levels of doses have none.
-- Undisclosed: only report reads it, and only through release.event.
with
    doses as (select breakdown, level, sum(doses) as doses from tally.dose_set group by all),
    levels as (
        select doses.breakdown, doses.level, sum(patient_set.patients) as patients, any_value(doses.doses) as doses
        from doses
        inner join tally.patient_set using (breakdown, level)
        group by all
    ),
    days_by_level as (
        select level.breakdown, level.level, sum(at_risk.days) as days
        from
            (
                select stratum.course_stratum_id, sum(exposure.days) as days
                from core.exposure
                inner join core.course_stratum as stratum using (course_id)
                group by all
            ) as at_risk
        inner join core.course_stratum_level as level using (course_stratum_id)
        group by all
    ),
    events_in_strata as (
        select
            event.kind_id,
            event.event_id,
            event.patient_id,
            dose.session_id,
            dose.dose_stratum_id,
            coalesce(dose.course_stratum_id, course.course_stratum_id, 0) as course_stratum_id
        from core.event_kind as event
        left join core.dose_stratum as dose using (session_id)
        left join core.course_stratum as course on event.course_id = course.course_id
    ),
    events_of_patients as (
        select
            kind_id,
            patient_id,
            course_stratum_id,
            dose_stratum_id,
            count(*) as events,
            count(distinct session_id) as doses_with_event
        from events_in_strata
        group by all
    ),
    by_course_stratum as (
        select kind_id, patient_id, course_stratum_id, sum(events) as events, sum(doses_with_event) as doses_with_event
        from events_of_patients
        group by all
    ),
    with_strata as (
        select found.*, count(*) over (partition by kind_id, patient_id) as strata from by_course_stratum as found
    ),
    of_strata as (
        select
            kind_id,
            course_stratum_id,
            sum(events) as events,
            sum(doses_with_event) as doses_with_event,
            count(*) filter (where strata = 1) as patients_with_event
        from with_strata
        group by all
    ),
    counts as (
        select
            level.breakdown, level.level, found.kind_id, found.events, found.doses_with_event, found.patients_with_event
        from of_strata as found
        inner join core.course_stratum_level as level using (course_stratum_id)
        union all by name
        select level.breakdown, level.level, found.kind_id, count(distinct found.patient_id) as patients_with_event
        from with_strata as found
        inner join core.course_stratum_level as level using (course_stratum_id)
        where found.strata > 1
        group by all
        union all by name
        select
            level.breakdown,
            level.level,
            found.kind_id,
            sum(found.events) as events,
            sum(found.doses_with_event) as doses_with_event,
            count(distinct found.patient_id) as patients_with_event
        from events_of_patients as found
        inner join core.dose_stratum_level as level using (dose_stratum_id)
        group by all
    ),
    counted as (
        select
            breakdown,
            level,
            kind_id,
            sum(events)::bigint as events,
            sum(doses_with_event)::bigint as doses_with_event,
            sum(patients_with_event)::bigint as patients_with_event
        from counts
        group by all
    )
select
    kind.kind_id,  -- Kind (ref.event_kind).
    levels.breakdown,  -- By what the doses are grouped.
    levels.level,  -- Group.
    levels.patients::bigint as patients,  -- Patients with a dose.
    coalesce(counted.patients_with_event, 0) as patients_with_event,  -- Of these, patients with such an event.
    levels.doses::bigint as doses,  -- Doses.
    coalesce(counted.doses_with_event, 0) as doses_with_event,  -- Of these, doses with such an event.
    coalesce(counted.events, 0) as events,  -- Such events.
    days_by_level.days::bigint as days  -- Days at risk of the courses; empty for levels of doses.
from levels
cross join ref.event_kind as kind
left join
    counted on levels.breakdown = counted.breakdown and levels.level = counted.level and kind.kind_id = counted.kind_id
left join days_by_level on levels.breakdown = days_by_level.breakdown and levels.level = days_by_level.level
