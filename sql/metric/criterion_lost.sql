-- Does a patient whose answers met the questionnaire's criterion at the baseline (a provisional diagnosis, say) meet it
-- no more in the window?
-- Asked of courses whose baseline form met it; the criterion is read off the answers, so a form with a total alone
-- can't be judged.
-- Caveat: a criterion on a questionnaire is no diagnosis; one answer a point lower can lose it.
-- title: Criterion lost
-- order: 9
-- good_is: up
-- denominator: measured courses that met the criterion at the baseline
-- sentence: Answers in the window no longer meet the criterion ({criterion}) that those of the baseline met.
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
                    when before.is_met is null then 'criterion_unknown' when not before.is_met then 'criterion_not_met'
                end,
                after.is_met
            ) as reason,
            not after.is_met as is_met
        from core.outcome
        inner join ref.rule using (instrument_id)
        left join
            core.baseline on outcome.course_id = baseline.course_id and outcome.instrument_id = baseline.instrument_id
        left join
            core.own_baseline as own
            on outcome.course_id = own.course_id
            and outcome.instrument_id = own.instrument_id
            and outcome.window_id = own.window_id
        left join
            core.criterion as before
            on coalesce(own.baseline_form_number, baseline.baseline_form_number) = before.form_number
            and rule.criterion_id = before.criterion_id
        left join
            core.criterion as after
            on outcome.form_number = after.form_number
            and rule.criterion_id = after.criterion_id
        where rule.criterion_id is not null
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
