-- kept as: view
-- One row per dose: which rules of ref.dose_rule are asked of it, which could be judged, which it meets, and which
-- values
-- were recorded. Each column is a set: a rule is in it where the bit of its ordinal is set, a value likewise.
-- A rule is asked of doses of its route. Where absence is an answer (absent_is_no), it is asked once integration had
-- its
-- time, and then always judged.
with
    rules as (select *, 1::ubigint << ordinal::ubigint as flag from ref.dose_rule),
    judged as (
        select
            recorded.session_id,
            bit_or(rules.flag) as judged,
            bit_or(
                case
                    when
                        recorded.value >= coalesce(rules.at_least, recorded.value)
                        and recorded.value <= coalesce(rules.at_most, recorded.value)
                    then rules.flag
                    else 0::ubigint
                end
            ) as met
        from core.dose_value as recorded
        inner join rules using (value_id)
        group by all
    ),
    recorded as (
        select session_id, bit_or(1::ubigint << dose_value.ordinal::ubigint) as recorded
        from core.dose_value
        inner join ref.dose_value using (value_id)
        group by all
    ),
    routes as (select distinct route from core.dose),
    asked as (
        select
            routes.route,
            coalesce(bit_or(rules.flag) filter (where not rules.absent_is_no), 0) as at_once,
            coalesce(bit_or(rules.flag) filter (where rules.absent_is_no), 0) as once_settled
        from routes
        left join rules on coalesce(rules.route = routes.route, rules.route is null)
        group by all
    ),
    asked_of_doses as (
        select
            dose.session_id,
            asked.at_once,
            case
                when dose.started_on + integration.settled_after_days::integer < setting.as_of
                then asked.once_settled
                else 0::ubigint
            end as once_settled
        from core.dose
        inner join asked on dose.route is not distinct from asked.route
        cross join ref.integration
        cross join ref.setting
    )
select
    asked_of_doses.session_id,  -- Dose (core.dose).
    at_once | once_settled as asked,  -- Rules that are asked of it.
    (coalesce(judged.judged, 0) & at_once) | once_settled as judged,  -- Rules that could be judged.
    coalesce(judged.met, 0) & (at_once | once_settled) as met,  -- Rules that it meets.
    coalesce(recorded.recorded, 0) as recorded  -- Values that were recorded (ref.dose_value).
from asked_of_doses
left join judged using (session_id)
left join recorded using (session_id)
