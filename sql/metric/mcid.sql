-- Did the score improve by at least what patients themselves notice: the minimal important difference, in points or
-- as a
-- share of the baseline? Equality counts.
-- Asked of every course with a baseline, ill or not; where the difference is a share, of courses that begin above zero.
-- Caveat: it's an average over patients. What one of them notices may be more or less, and it may lie within the
-- noise of
-- measuring (see reliable_improvement).
-- title: Minimal important difference
-- order: 8
-- good_is: up
-- denominator: measured courses whose baseline the rule can apply to
-- sentence: Score better than the baseline by at least {mcid}.
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
                case when rule.mcid_points is null and outcome.baseline <= 0 then 'baseline_zero' end,
                outcome.score
            ) as reason,
            outcome.improvement >= coalesce(rule.mcid_points, rule.mcid_share * outcome.baseline) as is_met
        from core.outcome
        inner join ref.rule using (instrument_id)
        where rule.mcid_share is not null or rule.mcid_points is not null
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
