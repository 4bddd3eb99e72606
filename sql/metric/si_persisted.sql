-- Is the item about suicidal thoughts still at its flag in the window, after a baseline at which it had reached it?
-- Asked of courses that were at risk by this item at the baseline. Fewer is better. No profile has a
-- say in it, so it is asked under the report's profile alone.
-- Caveat: one answer of a questionnaire, no assessment of risk; a form without a score, or with totals alone, is not
-- looked at. A questionnaire that asks about two weeks counts thoughts from before treatment at 24 hours.
-- title: Suicidality item, persisted
-- order: 32
-- good_is: down
-- denominator: measured courses at or above the flag at the baseline
-- sentence: Item {item} answered at least {item_from} in the window, as at the baseline.
with
    judged as (
        select
            rule.profile_id,
            outcome.course_id,
            outcome.instrument_id,
            outcome.window_id,
            macro.not_counted(
                outcome.is_due,
                outcome.baseline,
                case
                    when outcome.baseline_suicidality is null
                    then 'no_item'
                    when not outcome.baseline_suicidality
                    then 'not_flagged'
                end,
                case when outcome.suicidality is not null then outcome.score end
            ) as reason,
            outcome.suicidality as is_met
        from core.outcome
        inner join ref.item_flag as flag using (instrument_id)
        inner join ref.rule using (instrument_id)
        inner join ref.setting using (profile_id)
        where flag.flag_id = 'suicidality'
    )
select
    profile_id,  -- Profile whose thresholds are used.
    course_id,  -- Course that is judged.
    instrument_id,  -- Measure that is judged.
    window_id,  -- Window of the follow-up score.
    reason is null as denominator,  -- Whether the course counts in the denominator.
    reason is null and is_met as numerator,  -- Whether the condition is met.
    reason  -- Why the course is not in the denominator; empty where it is.
from judged
