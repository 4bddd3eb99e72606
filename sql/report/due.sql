-- How many courses are still on their way to a window: one row per measure, window and group.
-- A course whose window has not fully passed at the as-of date is not missing; it is counted here and nowhere else.
with
    rounding as (
        select disclosure.round_to as unit
        from ref.setting
        inner join ref.disclosure on disclosure.rule = setting.disclosure_rule
    ),
    shown as (
        select
            release.instrument_id,
            release.window_id,
            release.breakdown,
            release.shown_as as level,
            macro.rounded(sum(tally.enrolled), any_value(rounding.unit)) as due,
            macro.rounded(sum(tally.not_due), any_value(rounding.unit)) as not_due,
            false as is_suppressed
        from tally.due as tally
        inner join release.due as release using (instrument_id, window_id, breakdown, level)
        cross join rounding
        where release.shown_as is not null
        group by release.instrument_id, release.window_id, release.breakdown, release.shown_as
    ),
    hidden as (
        select instrument_id, window_id, breakdown, level, is_suppressed, suppression_reason
        from release.due
        where is_suppressed
    ),
    rows as (
        from shown
        union all by name
        from hidden
    )
select
    instrument_id,  -- Measure.
    window_id,  -- Window.
    breakdown,  -- By what the courses are grouped.
    level,  -- Group; (pooled) for those too small to be shown by themselves.
    due,  -- Courses of whom the measure is expected and whose window has passed.
    not_due,  -- Courses whose window has not fully passed yet.
    is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    suppression_reason  -- Why it is not shown.
from rows
order by all
