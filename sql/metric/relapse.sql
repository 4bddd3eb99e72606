-- Does a course that responded in the headline window (ref.setting) respond no more in a later one?
-- Asked of courses that are known to respond then; later windows count from the first session too, and begin where the
-- headline window is over, and are counted from the same baseline.
-- Caveat: courses are chosen by a good score, so some fall back by chance alone. How long response lasts, with courses
-- that are no longer followed, is told by published.survival.
-- title: Relapse
-- order: 22
-- good_is: down
-- denominator: measured courses that responded in the headline window
-- sentence: Of courses that responded in the headline window: score no longer better than the baseline by at least
-- {response}{minimum}.
with
    later_windows as (
        select later.window_id, headline.window_id as headline_id
        from ref.setting
        inner join ref.window as headline on setting.headline_window_id = headline.window_id
        inner join
            ref.window as later
            on headline.anchor = later.anchor
            and later.from_days > headline.to_days
            and later.to_days is not null
            and later.baseline_pick is null
    ),
    first_scores as (
        select outcome.course_id, outcome.instrument_id, outcome.improvement
        from core.outcome
        inner join ref.setting on outcome.window_id = setting.headline_window_id
    ),
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
                coalesce(
                    macro.no_response_from(outcome.baseline, scale.sign, rule.response_points, rule.minimum_baseline),
                    case
                        when
                            macro.responds(
                                first_scores.improvement, outcome.baseline, rule.response_share, rule.response_points
                            )
                        then null
                        else 'no_response'
                    end
                ),
                outcome.score
            ) as reason,
            not macro.responds(
                outcome.improvement, outcome.baseline, rule.response_share, rule.response_points
            ) as is_met
        from core.outcome
        inner join later_windows using (window_id)
        inner join first_scores using (course_id, instrument_id)
        inner join ref.rule using (instrument_id)
        inner join ref.scale using (instrument_id)
        where rule.response_share is not null or rule.response_points is not null
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
