-- Has a patient who was a case at the baseline stopped being one in the window?
-- Asked of courses at or past caseness at the baseline.
-- Caveat: a change of one point across the line counts. Use reliable_recovery to ask for more than chance.
-- title: Recovery
-- order: 4
-- good_is: up
-- denominator: measured courses that were cases at the baseline
-- sentence: Score no longer {caseness} in the window, after a baseline that was {caseness}.
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
                case
                    when not macro.meets(outcome.baseline, rule.caseness_side, rule.caseness_cut) then 'not_a_case'
                end,
                outcome.score
            ) as reason,
            not macro.meets(outcome.score, rule.caseness_side, rule.caseness_cut) as is_met
        from core.outcome
        inner join ref.rule using (instrument_id)
        where rule.caseness_cut is not null
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
