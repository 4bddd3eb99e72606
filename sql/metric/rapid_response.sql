-- Did the score respond by the first day: on a form filled in within hours of the first session (ref.rapid)?
-- Asked as response is asked. A form without a time counts by its date, as whole days. Where the window's form was
-- filled in outside those hours, the course counts as not measured.
-- Caveat: a questionnaire that asks about two weeks can't tell what one day did.
-- title: Rapid response
-- order: 20
-- good_is: up
-- denominator: courses measured within the hours whose baseline the rule can apply to
-- sentence: On a form filled in {first_from} to {first_to} hours after the first session, score better than the
-- baseline
-- by at least {response}{minimum}.
with
    judged as (
        select
            rule.profile_id,
            rule.unmeasured,
            outcome.course_id,
            outcome.instrument_id,
            outcome.window_id,
            macro.not_counted(
                outcome.is_due,
                outcome.baseline,
                macro.no_response_from(outcome.baseline, scale.sign, rule.response_points, rule.minimum_baseline),
                case
                    when
                        coalesce(outcome.elapsed_min, 1440 * outcome.days)
                        between 60 * rapid.from_hours and 60 * rapid.to_hours
                    then outcome.score
                end
            ) as reason,
            macro.responds(outcome.improvement, outcome.baseline, rule.response_share, rule.response_points) as is_met
        from core.outcome
        inner join ref.rapid on outcome.window_id = rapid.window_id and rapid.role = 'first'
        inner join ref.rule using (instrument_id)
        inner join ref.scale using (instrument_id)
        where rule.response_share is not null or rule.response_points is not null
    )
select
    profile_id,  -- Profile whose thresholds are used.
    course_id,  -- Course that is judged.
    instrument_id,  -- Measure that is judged.
    window_id,  -- Window of the follow-up score.
    macro.is_counted(reason, unmeasured) as denominator,  -- Whether the course counts in the denominator.
    reason is null and is_met as numerator,  -- Whether the condition is met.
    reason  -- Why the course is not in the denominator; empty where it is.
from judged
