-- shard: course_id of core.course
-- One row per profile, course, measure that is expected of it, and event (ref.survival_event): when it happened, or
-- until when
-- it was looked for.
-- Time to response and remission runs from day 0 to the first form that meets the profile's rule. Durability runs from
-- the end of induction, for courses that respond in its window, or from the first response (durability_from), to the
-- loss of response: the second of two forms in a row that do not respond, or the first one back at caseness
-- (durability_loss). Whoever is not seen to meet an event is censored at the last form before the next course.
-- A course that an event can't be asked of is here with the reason; its time, if any, says what its forms would
-- give.
-- Caveat: a form shows that something happened by its day, not on it. Boosters are counted until the event, so that
-- one given because of a loss is not credited; but who stays well longer has more time to be given one.
with
    rules as (
        select rule.*, scale.sign, setting.durability_from, setting.durability_loss
        from ref.rule
        inner join ref.scale using (instrument_id)
        cross join ref.setting
    ),
    choosy as (select distinct profile_id from ref.profile_metric),
    asked as (
        select rules.profile_id, rules.instrument_id, event.event_id
        from rules
        cross join ref.survival_event as event
        left join choosy using (profile_id)
        left join
            ref.profile_metric as chosen on rules.profile_id = chosen.profile_id and event.metric_id = chosen.metric_id
        where
            (choosy.profile_id is null or chosen.metric_id is not null)
            and case
                event.event_id
                when 'remission'
                then rules.remission_cut is not null and rules.caseness_cut is not null
                when 'response'
                then coalesce(rules.response_share, rules.response_points) is not null
                else
                    coalesce(rules.response_share, rules.response_points) is not null
                    and (rules.durability_loss <> 'caseness' or rules.caseness_cut is not null)
            end
    ),
    treatments as (
        select course_id, list(2 * days) as moments, list(2 * days) filter (where phase = 'maintenance') as boosters
        from core.session
        where is_treatment
        group by all
    ),
    seen as (
        select
            rules.profile_id,
            trajectory.course_id,
            trajectory.instrument_id,
            max(trajectory.moment) as last,
            min(trajectory.moment) filter (
                macro.responds(trajectory.improvement, trajectory.baseline, rules.response_share, rules.response_points)
            ) as first_response,
            min(trajectory.moment) filter (
                macro.meets(trajectory.score, rules.remission_side, rules.remission_cut)
            ) as first_remission,
            list(
                2 * trajectory.moment + case
                    when
                        case
                            durability_loss
                            when 'caseness'
                            then not macro.meets(trajectory.score, rules.caseness_side, rules.caseness_cut)
                            else
                                macro.responds(
                                    trajectory.improvement,
                                    trajectory.baseline,
                                    rules.response_share,
                                    rules.response_points
                                )
                        end
                    then 0
                    else 1
                end
            ) as forms  -- Twice the moment of each form, and one more where the form does not hold the response.
        from core.trajectory
        inner join rules using (instrument_id)
        group by all
    ),
    after_induction as (
        select follow_up.course_id, follow_up.instrument_id, follow_up.days, follow_up.baseline, follow_up.improvement
        from core.follow_up
        where
            follow_up.window_id = (
                select arg_min(window_id, ordinal)
                from ref.window
                where anchor = 'end_of_induction' and not coalesce(is_own, false)
            )
    ),
    begun as (
        select
            rules.profile_id,
            rules.durability_from,
            rules.durability_loss,
            expected.course_id,
            expected.instrument_id,
            course.day_0,
            baseline.baseline,
            macro.no_response_from(
                baseline.baseline, rules.sign, rules.response_points, rules.minimum_baseline
            ) as no_response_from,
            macro.meets(baseline.baseline, rules.caseness_side, rules.caseness_cut) as was_case,
            treatments.moments,
            treatments.boosters,
            seen.last,
            seen.first_response,
            seen.first_remission,
            seen.forms,
            case
                when rules.durability_from = 'first_response'
                then seen.first_response
                when
                    macro.responds(
                        after_induction.improvement,
                        after_induction.baseline,
                        rules.response_share,
                        rules.response_points
                    )
                then 2 * after_induction.days + 1
            end as responding_at,
            case
                when rules.durability_from = 'first_response'
                then seen.first_response
                else 2 * (course.end_of_induction_on - course.day_0)
            end as lasting_since
        from core.expected
        inner join core.course using (course_id)
        inner join rules using (instrument_id)
        left join
            core.baseline on expected.course_id = baseline.course_id and expected.instrument_id = baseline.instrument_id
        left join treatments on expected.course_id = treatments.course_id
        left join
            seen
            on expected.course_id = seen.course_id
            and expected.instrument_id = seen.instrument_id
            and rules.profile_id = seen.profile_id
        left join
            after_induction
            on expected.course_id = after_induction.course_id
            and expected.instrument_id = after_induction.instrument_id
    ),
    forms_in_order as (select begun.*, list_sort(forms) as forms_in_order from begun),
    lost as (
        select
            forms_in_order.*,
            list_filter(
                forms_in_order,
                lambda form,
                place:form % 2 = 1
                and form > 2 * responding_at + 1
                and (
                    durability_loss = 'caseness'
                    or (
                        place > 1
                        and forms_in_order[place - 1] % 2 = 1
                        and forms_in_order[place - 1] > 2 * responding_at + 1
                    )
                )
            )[1] as loss
        from forms_in_order
    ),
    events as (
        select
            lost.profile_id,
            lost.course_id,
            lost.instrument_id,
            asked.event_id,
            lost.day_0,
            lost.moments,
            lost.boosters,
            case
                when lost.baseline is null
                then 'no_baseline'
                when asked.event_id = 'remission' and not lost.was_case
                then 'not_a_case'
                when asked.event_id <> 'remission' and lost.no_response_from is not null
                then lost.no_response_from
                when lost.last is null
                then 'no_follow_up'
                when asked.event_id = 'loss_of_response' and lost.responding_at is null
                then 'no_response'
            end as reason,
            case
                asked.event_id
                when 'response'
                then case when lost.no_response_from is null then lost.first_response end
                when 'remission'
                then lost.first_remission
                else divide(lost.loss, 2)
            end as event,
            case when asked.event_id = 'loss_of_response' then lost.lasting_since else -1 end as since,
            case when asked.event_id <> 'loss_of_response' or lost.responding_at is not null then lost.last end as last
        from lost
        inner join asked using (profile_id, instrument_id)
    ),
    ended as (select events.*, coalesce(event, last) as until from events)
select
    profile_id,  -- Profile whose thresholds are used.
    course_id,  -- Course.
    instrument_id,  -- Measure.
    event_id,  -- Event.
    reason,  -- Why the event can't be asked of the course (ref.reason); empty where it counts.
    event is not null as is_event,  -- Whether the event was seen; censored where not.
    (divide(until, 2) - divide(greatest(since, 0), 2))::integer as days,  -- Days until the event, or until the last form.
    case
        when until is not null then len(list_filter(moments, lambda treated:treated > since and treated < until))
    end::integer as sessions,  -- Medicine sessions until then.
    coalesce(len(list_filter(boosters, lambda treated:treated > since and treated < until)) > 0, false) as has_boosters,  -- Whether any of them was maintenance.
    (day_0 + divide(until, 2)::integer)::date as ended_on  -- Day of the event, or of the last form.
from ended
