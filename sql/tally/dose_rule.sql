-- How many doses, and how many patients, each rule of ref.dose_rule was asked of, could be judged in, and was met by,
-- by
-- level of every breakdown of courses and of doses.
-- A patient with doses in several levels counts once in each.
-- Undisclosed: only report reads it, and only through release.dose_rule.
with
    rules as (select rule_id, 1::ubigint << ordinal::ubigint as flag from ref.dose_rule),
    counted_doses as (
        select
            rules.rule_id,
            found.breakdown,
            found.level,
            sum(found.doses) as doses,
            sum(found.doses) filter (where found.judged & rules.flag > 0) as judged,
            sum(found.doses) filter (where found.met & rules.flag > 0) as met
        from tally.dose_set as found
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
        from tally.patient_set as found
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
