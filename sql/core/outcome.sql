-- One row per course, measure that is expected of it, and window: baseline, the score in the window, and the
-- improvement.
-- A score belongs to the latest course begun by its day, and counts for follow-up after day 0, or later on day 0 than
-- the first session.
-- Whole bounds of a window compare calendar days; a window with a bound in parts of a day (by_hours) compares elapsed
-- time where both
-- instants are known. Inside a window the nearest to the target is taken (of two as near, the later), the last, or
-- the first.
-- A window is due once its last day has passed at the as-of date; one without an end, the day after day 0.
-- Caveat: a measure that asks about two weeks can't answer for 24 hours (ref.scale.lookback_days).
with
    windows as (
        select
            window_id,
            pick,
            anchor,
            by_hours,
            to_days,
            (from_days * 86400000000)::bigint as from_us,
            (to_days * 86400000000)::bigint as to_us,
            (target_days * 86400000000)::bigint as target_us
        from ref.window
    ),
    follow_ups as (
        select
            course.course_id,
            course.day_0,
            course.day_0_at,
            course.end_of_induction_on,
            course.end_of_induction_at,
            score.instrument_id,
            score.form_id,
            score.answered_on,
            score.answered_at,
            score.score,
            2 * (score.answered_on - course.day_0) + score.is_after_treatment::bigint as moment  -- Orders the scores that one day may hold.
        from core.score
        inner join core.course using (patient_id)
        where
            score.score is not null
            and not score.is_set_aside
            and score.answered_on >= course.day_0
            and (course.next_day_0 is null or score.answered_on < course.next_day_0)
            and (score.answered_on > course.day_0 or score.answered_at > course.day_0_at)
    ),
    follow_ups_since_anchor as (
        select
            follow_ups.*,
            windows.window_id,
            windows.pick,
            windows.from_us,
            windows.to_us,
            windows.target_us,
            case
                when windows.anchor = 'day_0'
                then
                    coalesce(
                        case
                            when windows.by_hours then epoch_us(follow_ups.answered_at) - epoch_us(follow_ups.day_0_at)
                        end,
                        86400000000 * (follow_ups.answered_on - follow_ups.day_0)
                    )
                else
                    coalesce(
                        case
                            when windows.by_hours
                            then epoch_us(follow_ups.answered_at) - epoch_us(follow_ups.end_of_induction_at)
                        end,
                        86400000000 * (follow_ups.answered_on - follow_ups.end_of_induction_on)
                    )
            end as since_anchor_us
        from follow_ups
        cross join windows
    ),
    picked as (
        select
            course_id,
            instrument_id,
            window_id,
            arg_min(
                {'form_id':form_id, 'answered_on':answered_on, 'score':score},
                case
                    pick
                    when 'nearest'
                    then divide(abs(since_anchor_us - target_us), 1000000) * 131072 - moment
                    when 'last'
                    then - moment
                    else moment
                end
            ) as follow_up
        from follow_ups_since_anchor
        where since_anchor_us >= from_us and (to_us is null or since_anchor_us <= to_us)
        group by all
    )
select
    expected.course_id,  -- Course.
    expected.instrument_id,  -- Measure.
    windows.window_id,  -- Window.
    case
        when windows.to_days is null
        then course.day_0 < setting.as_of
        when windows.anchor = 'day_0'
        then setting.as_of - course.day_0 > windows.to_days
        else coalesce(setting.as_of - course.end_of_induction_on > windows.to_days, false)
    end as is_due,  -- Whether the window has fully passed at the as-of date.
    baseline.baseline,  -- Score before treatment.
    baseline.baseline_on,  -- Day of the baseline.
    baseline.baseline_form_id,  -- Form of the baseline.
    picked.follow_up.score as score,  -- Score in the window.
    picked.follow_up.answered_on as answered_on,  -- Day of the score in the window.
    picked.follow_up.form_id as form_id,  -- Form of the score in the window.
    (picked.follow_up.answered_on - course.day_0)::integer as days,  -- Days from day 0 to the score.
    (scale.sign * (baseline.baseline - picked.follow_up.score))::decimal(18, 6) as improvement  -- Change since baseline in points, positive where better.
from core.expected
cross join windows
cross join ref.setting
inner join core.course using (course_id)
inner join ref.scale using (instrument_id)
left join core.baseline on expected.course_id = baseline.course_id and expected.instrument_id = baseline.instrument_id
left join
    picked
    on expected.course_id = picked.course_id
    and expected.instrument_id = picked.instrument_id
    and windows.window_id = picked.window_id
