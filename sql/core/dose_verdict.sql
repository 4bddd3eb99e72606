-- One row per dose: which rules of ref.dose_rule are asked of it, which could be judged, which it meets, and which
-- values
-- were recorded. Each column is a set: a rule is in it where the bit of its ordinal is set, a value likewise.
-- A rule is asked of doses of its route. Where absence is an answer (absent_is_no), it is asked once integration had
-- its
-- time, and then always judged.
-- The list of values is in the order of ref.dose_value, whose ordinal is a value's place in it.
with
    rules as (
        select
            rule.route,
            rule.absent_is_no,
            rule.at_least,
            rule.at_most,
            dose_value.ordinal as place,
            1::ubigint << rule.ordinal::ubigint as flag,
            1::ubigint << dose_value.ordinal::ubigint as value_flag
        from ref.dose_rule as rule
        left join ref.dose_value using (value_id)
    ),
    limits as (select list({'flag':flag, 'place':place, 'at_least':at_least, 'at_most':at_most}) as limits from rules),
    -- Counted by column and not over a list: it takes a tenth of the time, and there are many doses.
    doses as not materialized(
        select
            dose.session_id,
            dose.route,
            dose.started_on + integration.settled_after_days::integer < setting.as_of as is_settled,
            ((dose.dose_mg is not null)::ubigint << 1)
            | ((dose.dose_mg_per_kg is not null)::ubigint << 2)
            | ((dose.mg_in_12_months is not null)::ubigint << 3)
            | ((dose.doses_in_12_months is not null)::ubigint << 4)
            | ((dose.gap_days is not null)::ubigint << 5)
            | ((dose.duration_min is not null)::ubigint << 6)
            | ((dose.monitored_min is not null)::ubigint << 7)
            | ((dose.was_given_in_full is not null)::ubigint << 8)
            | ((dose.dissociation_onset_min is not null)::ubigint << 9)
            | ((dose.dissociation_peak_min is not null)::ubigint << 10)
            | ((dose.dissociation_resolved_min is not null)::ubigint << 11)
            | ((dose.ready_to_leave_min is not null)::ubigint << 12)
            | ((dose.resolved_after_leaving_min is not null)::ubigint << 13)
            | ((dose.cadss_total is not null)::ubigint << 14)
            | ((dose.cadss6_total is not null)::ubigint << 15)
            | ((dose.meq30_total is not null)::ubigint << 16)
            | ((dose.sbp_peak_mmhg is not null)::ubigint << 17)
            | ((dose.dbp_peak_mmhg is not null)::ubigint << 18)
            | ((dose.hr_peak_bpm is not null)::ubigint << 19)
            | ((dose.sbp_rise_mmhg is not null)::ubigint << 20)
            | ((dose.dbp_rise_mmhg is not null)::ubigint << 21)
            | ((dose.hr_rise_bpm is not null)::ubigint << 22)
            | ((dose.spo2_min_pct is not null)::ubigint << 23)
            | ((dose.hours_to_integration is not null)::ubigint << 24) as recorded,
            [
                dose.dose_mg,
                dose.dose_mg_per_kg,
                dose.mg_in_12_months,
                dose.doses_in_12_months,
                dose.gap_days,
                dose.duration_min,
                dose.monitored_min,
                dose.was_given_in_full,
                dose.dissociation_onset_min,
                dose.dissociation_peak_min,
                dose.dissociation_resolved_min,
                dose.ready_to_leave_min,
                dose.resolved_after_leaving_min,
                dose.cadss_total,
                dose.cadss6_total,
                dose.meq30_total,
                dose.sbp_peak_mmhg,
                dose.dbp_peak_mmhg,
                dose.hr_peak_bpm,
                dose.sbp_rise_mmhg,
                dose.dbp_rise_mmhg,
                dose.hr_rise_bpm,
                dose.spo2_min_pct,
                dose.hours_to_integration
            ]::decimal(18, 6)[] as measured
        from core.dose
        cross join ref.integration
        cross join ref.setting
    ),
    -- What is asked and can be judged is the same for all doses of a route of which the same was recorded.
    alike as (select distinct route, is_settled, recorded from doses),
    asked_of as (
        select
            alike.route,
            alike.is_settled,
            alike.recorded,
            bit_or(rules.flag) as asked,
            bit_or(rules.flag) filter (where rules.absent_is_no or (alike.recorded & rules.value_flag) > 0) as judged
        from alike
        inner join
            rules
            on coalesce(rules.route = alike.route, rules.route is null)
            and (not rules.absent_is_no or alike.is_settled)
        group by all
    )
select
    doses.session_id,  -- Dose (core.dose).
    coalesce(asked_of.asked, 0)::ubigint as asked,  -- Rules that are asked of it.
    coalesce(asked_of.judged, 0)::ubigint as judged,  -- Rules that could be judged.
    coalesce(asked_of.asked, 0)::ubigint & macro.flags(
        list_transform(
            limits.limits,
            lambda rule: case
                when
                    doses.measured[rule.place] >= coalesce(rule.at_least, doses.measured[rule.place])
                    and doses.measured[rule.place] <= coalesce(rule.at_most, doses.measured[rule.place])
                then rule.flag
            end
        )
    ) as met,  -- Rules that it meets.
    doses.recorded  -- Values that were recorded (ref.dose_value).
from doses
cross join limits
left join
    asked_of
    on doses.route is not distinct from asked_of.route
    and doses.is_settled = asked_of.is_settled
    and doses.recorded = asked_of.recorded
