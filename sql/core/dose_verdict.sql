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
            list(
                {
                    'flag':1::ubigint << rule.ordinal::ubigint,
                    'place':dose_value.ordinal,
                    'at_least':rule.at_least,
                    'at_most':rule.at_most,
                    'route':rule.route,
                    'absent_is_no':rule.absent_is_no
                }
            ) as rules
        from ref.dose_rule as rule
        left join ref.dose_value using (value_id)
    ),
    places as (select list({'flag':1::ubigint << ordinal::ubigint, 'place':ordinal}) as places from ref.dose_value),
    doses as (
        select
            dose.session_id,
            dose.route,
            dose.started_on + integration.settled_after_days::integer < setting.as_of as is_settled,
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
    asked_rules as (
        select
            doses.*,
            places.places,
            list_filter(
                rules.rules,
                lambda rule:coalesce(rule.route = doses.route, rule.route is null)
                and (not rule.absent_is_no or doses.is_settled)
            ) as rules
        from doses
        cross join rules
        cross join places
    )
select
    session_id,  -- Dose (core.dose).
    macro.flags(list_transform(rules, lambda rule:rule.flag)) as asked,  -- Rules that are asked of it.
    macro.flags(
        list_transform(
            rules, lambda rule: case when rule.absent_is_no or measured[rule.place] is not null then rule.flag end
        )
    ) as judged,  -- Rules that could be judged.
    macro.flags(
        list_transform(
            rules,
            lambda rule: case
                when
                    measured[rule.place] >= coalesce(rule.at_least, measured[rule.place])
                    and measured[rule.place] <= coalesce(rule.at_most, measured[rule.place])
                then rule.flag
            end
        )
    ) as met,  -- Rules that it meets.
    macro.flags(
        list_transform(places, lambda place: case when measured[place.place] is not null then place.flag end)
    ) as recorded  -- Values that were recorded (ref.dose_value).
from asked_rules
