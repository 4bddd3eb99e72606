-- kept as: view
-- One row per course and kind of ref.session_mix: how many of them the course had.
with
    courses as (
        select
            course_id,
            given,
            {
                'preparation':preparation,
                'medicine':given,
                'therapy':therapy,
                'integration':integration,
                'induction_blocks':induction_blocks,
                'largest_block':largest_block
            } as counted
        from core.course_care
        where given > 0
    )
select
    courses.course_id,  -- Course.
    entry.key as mix_id,  -- Kind (ref.session_mix).
    (entry.value ->> '$')::integer as number,  -- How many the course had.
    courses.given  -- Doses of the course, given in full or stopped early.
from courses, json_each(courses.counted::json) as entry
