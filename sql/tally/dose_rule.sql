-- How many doses, and how many patients, each rule of ref.dose_rule was asked of, could be judged in, and was met by,
-- by
-- level of every breakdown of courses and of doses.
-- Doses and patients are counted by the set of rules that they meet (core.dose_verdict), and the sets opened last. A
-- patient with doses in several levels counts in each of them, and once in each.
-- Undisclosed: only report reads it, and only through release.dose_rule.
with
    doses as (
        select
            stratum.patient_id,
            stratum.course_stratum_id,
            stratum.dose_stratum_id,
            verdict.asked,
            verdict.judged,
            verdict.met
        from core.dose_stratum as stratum
        inner join core.dose_verdict as verdict using (session_id)
    ),
    sets_by_course_stratum as (
        select
            patient_id,
            course_stratum_id,
            bit_or(asked) as asked,
            bit_or(judged) as judged,
            bit_or(met) as met,
            bit_or(judged & ~ met) as unmet
        from doses
        group by all
    ),
    sets_by_dose_stratum as (
        select
            patient_id,
            dose_stratum_id,
            bit_or(asked) as asked,
            bit_or(judged) as judged,
            bit_or(met) as met,
            bit_or(judged & ~ met) as unmet
        from doses
        group by all
    ),
    sets_by_level as (
        select level.breakdown, level.level, found.*
        from sets_by_course_stratum as found
        inner join core.course_stratum_level as level using (course_stratum_id)
        union all by name
        select level.breakdown, level.level, found.*
        from sets_by_dose_stratum as found
        inner join core.dose_stratum_level as level using (dose_stratum_id)
    ),
    sets_of_patients as (
        select
            breakdown,
            level,
            bit_or(asked) as asked,
            bit_or(judged) as judged,
            bit_or(met) as met,
            bit_or(unmet) as unmet
        from sets_by_level
        group by breakdown, level, patient_id
    ),
    patients_by_set as (
        select breakdown, level, asked, judged, met, unmet, count(*) as patients from sets_of_patients group by all
    ),
    doses_by_stratum as (
        select course_stratum_id, dose_stratum_id, asked, judged, met, count(*) as doses from doses group by all
    ),
    doses_by_set as (
        select level.breakdown, level.level, found.asked, found.judged, found.met, sum(found.doses) as doses
        from doses_by_stratum as found
        inner join core.course_stratum_level as level using (course_stratum_id)
        group by all
        union all
        select level.breakdown, level.level, found.asked, found.judged, found.met, sum(found.doses) as doses
        from doses_by_stratum as found
        inner join core.dose_stratum_level as level using (dose_stratum_id)
        group by all
    ),
    rules as (select rule_id, 1::ubigint << ordinal::ubigint as flag from ref.dose_rule),
    counted_doses as (
        select
            rules.rule_id,
            found.breakdown,
            found.level,
            sum(found.doses) as doses,
            sum(found.doses) filter (where found.judged & rules.flag > 0) as judged,
            sum(found.doses) filter (where found.met & rules.flag > 0) as met
        from doses_by_set as found
        inner join rules on found.asked & rules.flag > 0
        group by all
    ),
    counted_patients as (
        select
            rules.rule_id,
            found.breakdown,
            found.level,
            sum(found.patients) as patients,
            sum(found.patients) filter (where found.judged & rules.flag > 0) as patients_judged,
            sum(found.patients) filter (where found.met & rules.flag > 0) as patients_met,
            sum(found.patients) filter (where found.unmet & rules.flag > 0) as patients_unmet
        from patients_by_set as found
        inner join rules on found.asked & rules.flag > 0
        group by all
    )
select
    counted_doses.rule_id,  -- Rule (ref.dose_rule).
    counted_doses.breakdown,  -- By what the doses are grouped.
    counted_doses.level,  -- Group.
    counted_patients.patients::bigint as patients,  -- Patients with a dose that the rule is asked of.
    coalesce(counted_patients.patients_judged, 0)::bigint as patients_judged,  -- Patients with a dose that could be judged.
    coalesce(counted_patients.patients_met, 0)::bigint as patients_met,  -- Patients with a dose that meets the rule.
    coalesce(counted_patients.patients_unmet, 0)::bigint as patients_unmet,  -- Patients with a judged dose that does not.
    counted_doses.doses::bigint as doses,  -- Doses that the rule is asked of.
    coalesce(counted_doses.judged, 0)::bigint as judged,  -- Doses that could be judged.
    coalesce(counted_doses.met, 0)::bigint as met  -- Doses that meet it.
from counted_doses
inner join counted_patients using (rule_id, breakdown, level)
