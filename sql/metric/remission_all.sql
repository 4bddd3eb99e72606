-- Is the score in the window beyond the remission cut-off, whatever the baseline was?
-- Asked of every course with a baseline, as some published studies do.
-- Caveat: courses that were below the cut-off all along count as remissions. Use remission to leave them out.
-- title: Remission, all courses
-- order: 3
-- good_is: up
-- denominator: measured courses
-- sentence: Score {remission} in the window, whatever the baseline was.
with
    judged as (
        select
            rule.profile_id,
            rule.unmeasured,
            outcome.course_id,
            outcome.instrument_id,
            outcome.window_id,
            macro.not_counted(outcome.is_due, outcome.baseline, null, outcome.score) as reason,
            macro.meets(outcome.score, rule.remission_side, rule.remission_cut) as is_met
        from core.outcome
        inner join ref.rule using (instrument_id)
        where rule.remission_cut is not null
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
