-- Has a patient who was a case on either of two measures stopped being one on both, by the end of the course?
-- Asked of finished courses that were a case on at least one measure of the pair at the baseline.
-- Source: BMC Psychiatry 2018 s12888-018-1987-1, table 1, for NHS Talking Therapies.
-- Caveat: a change of one point across a line counts. Use pair_reliable_recovery to ask for more than chance.
-- title: Recovery, both measures
-- order: 20
-- good_is: up
-- denominator: finished courses with both measures before and after, less those that were no case at the baseline
-- sentence: Neither measure of the pair is a case at the end of the course, each by its own line ({caseness} on this
-- one), and at
-- least one was at the baseline.
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
            not pair.is_case as is_met
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
