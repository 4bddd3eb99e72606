-- kept as: view
-- One row per course and acute score (ref.acute): the highest that was recorded in a dose of the induction.
with
    highest as (
        select
            course_id,
            {
                'meq30_total':max(meq30_total)::decimal(18, 6),
                'cadss_total':max(cadss_total)::decimal(18, 6),
                'cadss6_total':max(cadss6_total)::decimal(18, 6)
            } as scores
        from core.dose
        where course_id is not null and phase = 'induction'
        group by all
    ),
    scores as (
        select highest.course_id, entry.key as value_id, (entry.value ->> '$')::decimal(18, 6) as score
        from highest, json_each(highest.scores::json) as entry
    )
select
    course_id,  -- Course.
    value_id,  -- Acute score (ref.acute, ref.dose_value).
    score  -- The highest of the induction, points.
from scores
where score is not null
