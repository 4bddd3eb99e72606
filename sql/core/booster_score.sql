-- shard: course_id of core.course
-- One row per booster and measure that was scored before and after it: the last score before it and the first one
-- after it, with no other dose between, and neither further off than ref.booster says. Only courses with a baseline.
-- A form of the booster's own day stands before it, unless it was filled in after a session of that day began.
with
    boosters as (
        select booster.*, course.day_0, course.next_day_0, rule.within_days
        from core.booster
        inner join core.course using (course_id)
        cross join ref.booster as rule
    ),
    scores as (
        select
            boosters.session_id,
            boosters.course_id,
            boosters.number,
            score.instrument_id,
            score.score,
            score.answered_on - boosters.started_on as days_off,
            2 * (score.answered_on - boosters.day_0) + score.is_after_treatment::bigint as moment,
            2 * boosters.days as given_at
        from core.score
        inner join boosters using (patient_id)
        where
            score.score is not null
            and not score.is_set_aside
            and abs(score.answered_on - boosters.started_on) <= boosters.within_days
            and moment > 2 * boosters.days_before
            and (boosters.days_next is null or moment <= 2 * boosters.days_next)
            and (boosters.next_day_0 is null or score.answered_on < boosters.next_day_0)
    ),
    nearest as (
        select
            session_id,
            course_id,
            number,
            instrument_id,
            arg_max(score, moment) filter (where moment <= given_at) as score_before,
            arg_min(score, moment) filter (where moment > given_at) as score_after
        from scores
        group by all
    )
select
    nearest.session_id,  -- Booster (core.booster).
    nearest.course_id,  -- Course.
    nearest.number,  -- Place among the boosters of the course, from 1.
    nearest.instrument_id,  -- Measure.
    baseline.baseline,  -- Score before treatment.
    nearest.score_before,  -- Last score before the booster.
    nearest.score_after,  -- First score after it.
    (scale.sign * (baseline.baseline - nearest.score_before))::decimal(18, 6) as improvement_before,  -- Points since the baseline, positive where better.
    (scale.sign * (baseline.baseline - nearest.score_after))::decimal(18, 6) as improvement_after  -- The same after it.
from nearest
inner join core.baseline using (course_id, instrument_id)
inner join ref.scale using (instrument_id)
where nearest.score_before is not null and nearest.score_after is not null
