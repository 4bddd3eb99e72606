-- How scores before treatment repeat: over the courses with two of them in the days of the baseline (core.baseline), by
-- measure and level of every breakdown, what the correlation of the first with the last and the mean of all are made
-- from.
-- Undisclosed: only report reads it, and only through release.repeat.
with
    counted as (
        select
            baseline.instrument_id,
            stratum.stratum_id,
            count(*) as courses,
            count(*) filter (where baseline.candidates > 1) as pairs,
            sum(baseline.candidates) filter (where baseline.candidates > 1) as scores,
            sum(baseline.candidate_total) filter (where baseline.candidates > 1) as sum_scores,
            sum(baseline.candidate_first) filter (where baseline.candidates > 1) as sum_first,
            sum(baseline.candidate_last) filter (where baseline.candidates > 1) as sum_last,
            sum(baseline.candidate_first * baseline.candidate_first) filter (
                where baseline.candidates > 1
            ) as sum_first_squared,
            sum(baseline.candidate_last * baseline.candidate_last) filter (
                where baseline.candidates > 1
            ) as sum_last_squared,
            sum(baseline.candidate_first * baseline.candidate_last) filter (
                where baseline.candidates > 1
            ) as sum_product
        from core.baseline
        inner join core.stratum using (course_id, instrument_id)
        group by all
    )
select
    counted.instrument_id,  -- Measure.
    level.breakdown,  -- By what the courses are grouped.
    level.level,  -- Group.
    sum(counted.courses)::bigint as courses,  -- Courses with a baseline.
    sum(counted.pairs)::bigint as pairs,  -- Of these, courses with two scores or more that could have been it.
    coalesce(sum(counted.scores), 0)::bigint as scores,  -- These scores.
    sum(counted.sum_scores) as sum_scores,  -- Their sum.
    sum(counted.sum_first) as sum_first,  -- Sum of the first of each course.
    sum(counted.sum_last) as sum_last,  -- Sum of the last of each course.
    sum(counted.sum_first_squared) as sum_first_squared,  -- Sum of the squares of the first.
    sum(counted.sum_last_squared) as sum_last_squared,  -- Sum of the squares of the last.
    sum(counted.sum_product) as sum_product  -- Sum of the products of both.
from counted
inner join core.stratum_level as level using (stratum_id)
group by all
