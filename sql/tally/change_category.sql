-- How many courses are in each category of clinically significant change, by level of every breakdown.
-- Of the courses with both scores in a window that has passed; a category that nobody is in stands with zero.
-- By breakdowns other than all: the usual method with its best cut-off alone. Others differ from it by a few people,
-- and
-- in a small group such a difference would name them.
-- Undisclosed: only report reads it, and only through release.change_category.
with
    by_stratum as (
        select
            alike.instrument_id,
            alike.window_id,
            pair.method_id,
            pair.cutoff_id,
            pair.is_usual,
            pair.category,
            alike.stratum_id,
            sum(alike.courses) as n
        from core.outcome_alike as alike
        inner join tally.change_pair as pair using (instrument_id, window_id, baseline, score)
        where alike.is_due
        group by all
    ),
    by_level as (
        select
            by_stratum.instrument_id,
            by_stratum.window_id,
            by_stratum.method_id,
            by_stratum.cutoff_id,
            by_stratum.is_usual,
            stratum_level.breakdown,
            stratum_level.level,
            by_stratum.category,
            sum(by_stratum.n) as n
        from by_stratum
        inner join core.stratum_level using (stratum_id)
        where by_stratum.is_usual or stratum_level.breakdown = 'all'
        group by all
    ),
    cells as (
        select distinct
            by_level.instrument_id,
            by_level.window_id,
            by_level.method_id,
            by_level.cutoff_id,
            by_level.is_usual,
            by_level.breakdown,
            by_level.level,
            category.category
        from by_level
        cross join ref.change_category as category
    )
select
    cells.instrument_id,  -- Measure.
    cells.window_id,  -- Window of the follow-up score.
    cells.method_id,  -- Method (ref.change_method).
    cells.cutoff_id,  -- Cut-off (ref.change_cutoff).
    cells.is_usual,  -- Whether it's the usual method with its best cut-off.
    cells.breakdown,  -- By what the courses are grouped.
    cells.level,  -- Group.
    cells.category,  -- Category (ref.change_category).
    coalesce(by_level.n, 0)::bigint as n  -- Courses in it.
from cells
left join by_level using (instrument_id, window_id, method_id, cutoff_id, is_usual, breakdown, level, category)
