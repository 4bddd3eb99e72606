-- Did the score become worse by at least the instrument's reliable change? Equality counts.
-- Asked of every course with a baseline. Fewer is better.
-- Source: Jacobson and Truax 1991, J Consult Clin Psychol 59:12-19, for the idea; the profile's rule for the number.
-- title: Reliable deterioration
-- order: 6
-- good_is: down
-- denominator: measured courses
-- sentence: Score worse than the baseline by at least {reliable_change} points.
with
    judged as (
        select
            rule.profile_id,
            rule.unmeasured,
            outcome.course_id,
            outcome.instrument_id,
            outcome.window_id,
            macro.not_counted(outcome.is_due, outcome.baseline, null, outcome.score) as reason,
            outcome.improvement <= - rule.reliable_change as is_met
        from core.outcome
        inner join ref.rule using (instrument_id)
        where rule.reliable_change is not null
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
