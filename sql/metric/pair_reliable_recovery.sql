-- Has a patient who was a case on either of two measures stopped being one on both, with reliable improvement?
-- Asked of finished courses that were a case on at least one measure of the pair at the baseline.
-- Source: nhsengland/Talking-Therapies: the flags of recovery and of reliable improvement together.
-- title: Reliable recovery, both measures
-- order: 23
-- good_is: up
-- denominator: finished courses with both measures before and after, less those that were no case at the baseline
-- sentence: Neither measure of the pair is a case at the end of the course ({caseness} on this one) while at least
-- one was at the baseline,
-- and at least one is better by its reliable change ({reliable_change} points on this one) with none worse by as much.
with
    judged as (
        select
            pair.profile_id,
            rule.unmeasured,
            pair.course_id,
            pair.instrument_id,
            pair.window_id,
            case
                when coalesce(pair.reason, 'no_follow_up') = 'no_follow_up'
                then coalesce(case when not pair.was_case then 'not_a_case' end, pair.reason)
                else pair.reason
            end as reason,
            not pair.is_case and pair.has_improved as is_met
        from core.pair
        inner join ref.rule using (profile_id, instrument_id)
    )
select
    profile_id,  -- Profile whose thresholds are used.
    course_id,  -- Course that is judged.
    instrument_id,  -- Measure that is judged, together with its partner (core.pair).
    window_id,  -- Window of the follow-up scores.
    macro.is_counted(reason, unmeasured) as denominator,  -- Whether the course counts in the denominator.
    reason is null and is_met as numerator,  -- Whether the condition is met.
    reason  -- Why the course is not in the denominator; empty where it is.
from judged
