-- How many patients have doses of which the same rules are asked, judged, met and not met, and the same values recorded
-- (core.dose_verdict), by level of every breakdown of courses and of doses. A rule is in a patient's set if it is in
-- that
-- of any of their doses in the level; a patient with doses in several levels counts once in each.
-- Patients whose doses are all of one combination of levels are counted by combination, the few others one by one.
-- Undisclosed: other tallies read it, and nothing else.
with
    sets as (
        select
            stratum.patient_id,
            stratum.course_stratum_id,
            stratum.dose_stratum_id,
            bit_or(verdict.asked) as asked,
            bit_or(verdict.judged) as judged,
            bit_or(verdict.met) as met,
            bit_or(verdict.judged & ~ verdict.met) as unmet,
            bit_or(verdict.recorded) as recorded
        from core.dose_stratum as stratum
        inner join core.dose_verdict as verdict using (session_id)
        group by all
    ),
    sets_by_course_stratum as (
        select
            patient_id,
            course_stratum_id,
            bit_or(asked) as asked,
            bit_or(judged) as judged,
            bit_or(met) as met,
            bit_or(unmet) as unmet,
            bit_or(recorded) as recorded
        from sets
        group by all
    ),
    by_course_stratum as (
        select found.*, count(*) over (partition by patient_id) as strata from sets_by_course_stratum as found
    ),
    of_one_stratum as (
        select course_stratum_id, asked, judged, met, unmet, recorded, count(*) as patients
        from by_course_stratum
        where strata = 1
        group by all
    ),
    by_level as (
        select
            level.breakdown,
            level.level,
            found.patient_id,
            found.asked,
            found.judged,
            found.met,
            found.unmet,
            found.recorded
        from by_course_stratum as found
        inner join core.course_stratum_level as level using (course_stratum_id)
        where found.strata > 1
        union all
        select
            level.breakdown,
            level.level,
            found.patient_id,
            found.asked,
            found.judged,
            found.met,
            found.unmet,
            found.recorded
        from sets as found
        inner join core.dose_stratum_level as level using (dose_stratum_id)
    ),
    of_several_strata as (
        select
            breakdown,
            level,
            bit_or(asked) as asked,
            bit_or(judged) as judged,
            bit_or(met) as met,
            bit_or(unmet) as unmet,
            bit_or(recorded) as recorded
        from by_level
        group by breakdown, level, patient_id
    ),
    patients as (
        select
            level.breakdown,
            level.level,
            found.asked,
            found.judged,
            found.met,
            found.unmet,
            found.recorded,
            found.patients
        from of_one_stratum as found
        inner join core.course_stratum_level as level using (course_stratum_id)
        union all
        select breakdown, level, asked, judged, met, unmet, recorded, count(*) as patients
        from of_several_strata
        group by all
    )
select
    breakdown,  -- By what the doses are grouped.
    level,  -- Group.
    asked,  -- Rules that are asked of any of the patients' doses, as a set.
    judged,  -- Rules that could be judged in any of them.
    met,  -- Rules that any of them meets.
    unmet,  -- Rules that any of them was judged by and does not meet.
    recorded,  -- Values that were recorded of any of them (ref.dose_value).
    sum(patients)::bigint as patients  -- Patients.
from patients
group by all
