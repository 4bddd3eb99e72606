-- kept as: view
-- One row per course whose induction is over by the as-of date: how long it could get boosters, and how many it got.
-- A booster belongs to the course until gap_days (ref.setting) after the last medicine session: a later one would begin
-- a new course. Time runs from the last induction session to there, or to the as-of date.
with
    boosters as (
        select booster.course_id, count(*) as boosters, min(booster.started_on) as first_on
        from core.booster
        cross join ref.setting
        where booster.started_on <= setting.as_of
        group by all
    )
select
    course.course_id,  -- Course.
    (least(course.last_medicine_on + setting.gap_days, setting.as_of) - course.end_of_induction_on)::integer as days,  -- Days from the last induction session in which boosters were counted.
    coalesce(boosters.boosters, 0)::integer as boosters,  -- Boosters in them.
    (
        coalesce(boosters.first_on, least(course.end_of_induction_on + setting.gap_days, setting.as_of))
        - course.end_of_induction_on
    )::integer as days_to_first,  -- Days to the first booster; without one, days in which there could have been one.
    boosters.first_on is not null or course.end_of_induction_on + setting.gap_days <= setting.as_of as is_known  -- Whether it is known if the course got one: it did, or the time for it has passed.
from core.course
cross join ref.setting
left join boosters using (course_id)
where course.end_of_induction_on <= setting.as_of
