-- Did either of two measures become worse by at least its reliable change by the end of the course, and neither
-- improve so?
-- Asked of finished courses. Fewer is better.
-- Source: the mirror image of reliable improvement; nhsengland/Talking-Therapies has a flag of its own for no change.
-- title: Reliable deterioration, both measures
-- order: 22
-- good_is: down
-- denominator: finished courses with both measures before and after
-- sentence: At least one measure of the pair worse by its reliable change ({reliable_change} points on this one), and
-- none better by as
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
            pair.has_deteriorated as is_met
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
