-- shard: course_id of core.course
-- One row per course, measure that is expected of it, and window: baseline, the score in the window, the improvement,
-- and the day on which
-- the window ends, whatever the as-of date; core.outcome says what is due by then.
-- A score belongs to the latest course begun by its day, and counts for follow-up after day 0, or on day 0 after the
-- first session began.
-- Whole bounds of a window compare calendar days; a window with a bound in parts of a day (by_hours) compares elapsed
-- time where both
-- instants are known. Inside a window the nearest to the target is taken (of two as near, the later), the last, or
-- the first.
-- A window without an end is over with day 0; one that lasts until the end of the course, with core.contact.ended_on.
-- A bound in parts
-- of a day ends on the day that it falls into. Where the baseline form is the anchor and there is none, day 0 stands
-- in for it.
-- A profile's own windows (is_own) are looked at only for the measures that the profile has a rule for. One that names
-- a baseline rule is counted from the baseline that this takes (core.own_baseline), every other from core.baseline.
-- Caveat: a measure that asks about two weeks can't answer for 24 hours (ref.scale.lookback_days).
with
    windows as (
        select
            window_id,
            row_number() over (order by window_id)::tinyint as number,
            pick,
            anchor,
            by_hours,
            until,
            is_own,
            baseline_pick is not null as has_own_baseline,
            to_days,
            (from_days * 86400000000)::bigint as from_us,
            coalesce((to_days * 86400000000)::bigint, 9223372036854775807) as to_us,
            (target_days * 86400000000)::bigint as target_us
        from ref.window
    ),
    own_windows as (
        select distinct rule.instrument_id, profile_window.window_id
        from ref.rule
        inner join ref.profile_window using (profile_id)
    ),
    windows_of_measures as (
        select scale.instrument_id, windows.*
        from ref.scale
        cross join windows
        left join
            own_windows on scale.instrument_id = own_windows.instrument_id and windows.window_id = own_windows.window_id
        where own_windows.window_id is not null or not coalesce(windows.is_own, false)
    ),
    pairs as materialized(
        select
            row_number() over ()::integer as pair,
            expected.course_id,
            expected.instrument_id,
            course.patient_id,
            course.day_0,
            course.day_0_at,
            course.next_day_0,
            course.end_of_induction_on,
            course.end_of_induction_at,
            contact.ended_on,
            baseline.baseline,
            coalesce(baseline.baseline_on, course.day_0) as index_on,
            baseline.suicidality as baseline_suicidality,
            scale.sign
        from core.expected
        inner join core.course using (course_id)
        inner join ref.scale using (instrument_id)
        left join core.contact using (course_id)
        left join
            core.baseline on expected.course_id = baseline.course_id and expected.instrument_id = baseline.instrument_id
    ),
    own_baselines as (
        select pairs.pair, windows.number, own_baseline.baseline, own_baseline.baseline_on, own_baseline.suicidality
        from core.own_baseline
        inner join pairs using (course_id, instrument_id)
        inner join windows using (window_id)
    ),
    follow_ups as materialized(
        select
            pairs.pair,
            pairs.instrument_id,
            pairs.ended_on,
            score.form_number,
            score.answered_on,
            score.score,
            score.suicidality,
            2 * (score.answered_on - pairs.day_0) + score.is_after_treatment::bigint as moment,  -- No two scores of a pair share it.
            86400000000 * (score.answered_on - pairs.day_0) as days_us,
            86400000000 * (score.answered_on - pairs.end_of_induction_on) as days_since_induction_us,
            86400000000 * (score.answered_on - pairs.index_on) as days_since_baseline_us,
            epoch_us(score.answered_at) - epoch_us(pairs.day_0_at) as elapsed_us,
            epoch_us(score.answered_at) - epoch_us(pairs.end_of_induction_at) as elapsed_since_induction_us
        from core.score
        inner join pairs using (patient_id, instrument_id)
        where
            score.score is not null
            and not score.is_set_aside
            and score.answered_on >= pairs.day_0
            and (pairs.next_day_0 is null or score.answered_on < pairs.next_day_0)
            and (score.answered_on > pairs.day_0 or score.answered_at > pairs.day_0_at)
    ),
    follow_ups_since_anchor as (
        select
            follow_ups.pair,
            follow_ups.moment,
            windows.number,
            windows.pick,
            windows.from_us,
            windows.to_us,
            windows.target_us,
            case
                when windows.anchor = 'baseline' and own_baselines.baseline_on is not null
                then 86400000000 * (follow_ups.answered_on - own_baselines.baseline_on)
                when windows.anchor = 'baseline' and windows.has_own_baseline
                then follow_ups.days_us
                when windows.anchor = 'baseline'
                then follow_ups.days_since_baseline_us
                when windows.anchor = 'day_0' and windows.by_hours
                then coalesce(follow_ups.elapsed_us, follow_ups.days_us)
                when windows.anchor = 'day_0'
                then follow_ups.days_us
                when windows.by_hours
                then coalesce(follow_ups.elapsed_since_induction_us, follow_ups.days_since_induction_us)
                else follow_ups.days_since_induction_us
            end as since_anchor_us
        from follow_ups
        inner join windows_of_measures as windows using (instrument_id)
        left join own_baselines on follow_ups.pair = own_baselines.pair and windows.number = own_baselines.number
        where windows.until is null or follow_ups.answered_on <= follow_ups.ended_on
    ),
    follow_ups_in_window as (
        select
            pair,
            number,
            moment,
            case
                pick
                when 'nearest'
                then divide(abs(since_anchor_us - target_us), 1000000) * 131072 - moment
                when 'last'
                then - moment
                else moment
            end as place
        from follow_ups_since_anchor
        where since_anchor_us between from_us and to_us
    ),
    nearest as (select pair, number, arg_min(moment, place) as moment from follow_ups_in_window group by all),
    picked as (
        select
            nearest.pair,
            nearest.number,
            follow_ups.form_number,
            follow_ups.answered_on,
            follow_ups.score,
            follow_ups.suicidality,
            follow_ups.elapsed_us
        from nearest
        inner join follow_ups using (pair, moment)
    )
select
    pairs.course_id,  -- Course.
    pairs.instrument_id,  -- Measure.
    windows.window_id,  -- Window.
    case
        when windows.until is not null
        then pairs.ended_on
        when windows.to_days is null
        then pairs.day_0
        when windows.anchor = 'baseline' and windows.has_own_baseline
        then coalesce(own_baselines.baseline_on, pairs.day_0) + floor(windows.to_days)::integer
        when windows.anchor = 'baseline'
        then pairs.index_on + floor(windows.to_days)::integer
        when windows.anchor = 'day_0'
        then pairs.day_0 + floor(windows.to_days)::integer
        else pairs.end_of_induction_on + floor(windows.to_days)::integer
    end as last_on,  -- Last day of the window; empty where it has no beginning.
    case when windows.has_own_baseline then own_baselines.baseline else pairs.baseline end as baseline,  -- Score before treatment (core.baseline, or core.own_baseline where the window names a rule).
    picked.score,  -- Score in the window.
    picked.answered_on,  -- Day of the score in the window.
    picked.form_number,  -- Form of the score in the window (core.form).
    (picked.answered_on - pairs.day_0)::integer as days,  -- Days from day 0 to the score.
    (
        pairs.sign
        * (case when windows.has_own_baseline then own_baselines.baseline else pairs.baseline end - picked.score)
    )::decimal(18, 6) as improvement,  -- Points since baseline, positive where better.
    divide(picked.elapsed_us, 60000000) as elapsed_min,  -- Minutes from the start of the first session to the score, where known.
    case
        when windows.has_own_baseline then own_baselines.suicidality else pairs.baseline_suicidality
    end as baseline_suicidality,  -- Whether the item about suicidal thoughts reached its flag before treatment (core.score).
    picked.suicidality  -- Whether it does in the window.
from pairs
inner join windows_of_measures as windows using (instrument_id)
left join picked on pairs.pair = picked.pair and windows.number = picked.number
left join own_baselines on pairs.pair = own_baselines.pair and windows.number = own_baselines.number
