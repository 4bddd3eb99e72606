-- How improvement in the headline window goes with the acute scores of the induction (ref.acute), by measure and
-- level of
-- every breakdown: what correlations are made from, over the courses that have an acute score, a baseline and a score
-- in
-- the window, which has passed.
-- Undisclosed: only report reads it, and only through release.acute_experience.
with
    counted as (
        select
            acute.value_id,
            outcome.instrument_id,
            stratum.stratum_id,
            count(*) as courses,
            count(outcome.improvement) as n,
            sum(acute.score) filter (where outcome.improvement is not null) as sum_acute,
            sum(acute.score * acute.score) filter (where outcome.improvement is not null) as sum_acute_squared,
            sum(outcome.improvement) as sum_improvement,
            sum(outcome.improvement * outcome.improvement) as sum_improvement_squared,
            sum(acute.score * outcome.improvement) as sum_product
        from core.counted as outcome
        inner join ref.setting on outcome.window_id = setting.headline_window_id
        inner join core.acute_experience as acute using (course_id)
        inner join core.stratum using (course_id, instrument_id)
        where outcome.is_due
        group by all
    )
select
    counted.value_id,  -- Acute score (ref.acute).
    counted.instrument_id,  -- Measure.
    level.breakdown,  -- By what the courses are grouped.
    level.level,  -- Group.
    sum(counted.courses)::bigint as courses,  -- Enrolled courses with an acute score.
    sum(counted.n)::bigint as n,  -- Of these, courses with a baseline and a score in the window.
    sum(counted.sum_acute) as sum_acute,  -- Sum of their acute scores.
    sum(counted.sum_acute_squared) as sum_acute_squared,  -- Sum of the squares of these.
    sum(counted.sum_improvement) as sum_improvement,  -- Sum of their improvements, positive where better.
    sum(counted.sum_improvement_squared) as sum_improvement_squared,  -- Sum of the squares of these.
    sum(counted.sum_product) as sum_product  -- Sum of the products of both.
from counted
inner join core.stratum_level as level using (stratum_id)
group by all
