-- Did either of two measures improve by at least its reliable change by the end of the course, and neither
-- deteriorate so?
-- Asked of finished courses, ill or not.
-- Source: BMC Psychiatry 2018 s12888-018-1987-1, table 1; that the other measure may not be reliably worse was not
-- seen in
-- print.
-- title: Reliable improvement, both measures
-- order: 21
-- good_is: up
-- denominator: finished courses with both measures before and after
-- sentence: At least one measure of the pair better by its reliable change ({reliable_change} points on this one),
-- and none worse by as
-- much.
with
    judged as (
        select
            pair.profile_id,
            rule.unmeasured,
            pair.course_id,
            pair.instrument_id,
            pair.window_id,
            pair.reason as reason,
            pair.has_improved as is_met
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
