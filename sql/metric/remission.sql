-- Is a patient who was ill at the baseline beyond the remission cut-off in the window?
-- Asked of courses at or past caseness at the baseline: who was never ill can't remit.
-- Caveat: a profile that puts remission and caseness at the same cut makes this the same as recovery.
-- title: Remission
-- order: 2
-- good_is: up
-- denominator: measured courses that were cases at the baseline
-- sentence: Score {remission} in the window after a baseline that was {caseness}.
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
            macro.meets(outcome.score, rule.remission_side, rule.remission_cut) as is_met
        from core.outcome
        inner join ref.rule using (instrument_id)
        where rule.remission_cut is not null and rule.caseness_cut is not null
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
