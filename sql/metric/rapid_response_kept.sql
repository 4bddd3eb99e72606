-- Does a course that responded by the first day (see rapid_response) still respond later (ref.rapid)?
-- Asked of courses that are known to have responded by then; the share measured says for how many of them the answer
-- is known.
-- Caveat: courses are chosen by an extreme score, so some fall back by chance alone.
-- title: Rapid response, kept
-- order: 21
-- good_is: up
-- denominator: measured courses that had responded by the first day
-- sentence: Of courses that had responded {first_from} to {first_to} hours after the first session: score still better
-- than the baseline by at least {response}{minimum}.
with
    first_scores as (
        select
            outcome.course_id,
            outcome.instrument_id,
            case
                when
                    coalesce(outcome.elapsed_min, 1440 * outcome.days)
                    between 60 * rapid.from_hours and 60 * rapid.to_hours
                then outcome.improvement
            end as improvement
        from core.outcome
        inner join ref.rapid on outcome.window_id = rapid.window_id and rapid.role = 'first'
    ),
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
                coalesce(
                    macro.no_response_from(outcome.baseline, scale.sign, rule.response_points, rule.minimum_baseline),
                    case
                        when
                            macro.responds(
                                first_scores.improvement, outcome.baseline, rule.response_share, rule.response_points
                            )
                        then null
                        else 'not_rapid'
                    end
                ),
                outcome.score
            ) as reason,
            macro.responds(outcome.improvement, outcome.baseline, rule.response_share, rule.response_points) as is_met
        from core.outcome
        inner join ref.rapid on outcome.window_id = rapid.window_id and rapid.role = 'kept'
        inner join first_scores using (course_id, instrument_id)
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
