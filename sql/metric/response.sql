-- Did the score improve by at least the share of the baseline, or the points, that the profile asks for? Equality
-- counts.
-- Asked of courses that begin above zero, and no milder than the profile's minimum baseline if it has one.
-- A baseline of zero has no share, so such a course is set aside and named; it is never "improved by infinity".
-- Caveat: response is about change. A responder may still be ill, and a mild start makes response easy.
-- title: Response
-- order: 1
-- good_is: up
-- denominator: measured courses whose baseline the rule can apply to
-- sentence: Score better than the baseline by at least {response}{minimum}.
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
                outcome.score
            ) as reason,
            macro.responds(outcome.improvement, outcome.baseline, rule.response_share, rule.response_points) as is_met
        from core.outcome
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
