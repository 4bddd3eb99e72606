-- From which severity to which: one row per measure, window, group, band of the baseline and band in the window.
-- Over the courses that have both scores; what the profile asks makes no difference.
-- Rare shifts are pooled into the shift (pooled), alike in every group of a breakdown; see release.band_shift.
-- Caveat: a move across a line may be one point. published.outcome_summary says how many changed reliably.
with
    shown as (
        select
            instrument_id,
            window_id,
            breakdown,
            level,
            shift,
            macro.rounded(courses, unit) as courses,
            is_suppressed,
            suppression_reason,
            split_part(shift, ' > ', 1) as from_band,
            split_part(shift, ' > ', 2) as to_band
        from release.band_shift
    ),
    ranked as (
        select
            shown.instrument_id,
            shown.window_id,
            shown.breakdown,
            shown.level,
            shown.shift,
            before.band_id as from_band,
            after.band_id as to_band,
            before.ordinal as from_ordinal,
            after.ordinal as to_ordinal,
            shown.courses,
            sum(shown.courses) over (
                partition by shown.instrument_id, shown.window_id, shown.breakdown, shown.level
            ) as courses_of_group,
            shown.is_suppressed,
            shown.suppression_reason
        from shown
        left join
            ref.band as before
            on shown.instrument_id = before.instrument_id
            and shown.from_band = before.band_id
            and before.is_default_set
        left join
            ref.band as after
            on shown.instrument_id = after.instrument_id
            and shown.to_band = after.band_id
            and after.is_default_set
    )
select
    ranked.instrument_id,  -- Measure.
    ranked.window_id,  -- Window of the follow-up score.
    ranked.breakdown,  -- By what the courses are grouped; all for the total.
    ranked.level,  -- Group; (pooled) for those too small to be shown by themselves.
    ranked.from_ordinal,  -- Place of the baseline's band in the measure's order of bands.
    ranked.to_ordinal,  -- Place of the other one.
    ranked.shift,  -- Band of the baseline > band in the window; (pooled) for shifts too rare to be shown by themselves.
    ranked.from_band,  -- Severity band of the baseline; empty for the pooled shifts.
    ranked.to_band,  -- Severity band of the score in the window; empty for the pooled shifts.
    case
        sign(scale.sign * (ranked.from_ordinal - ranked.to_ordinal))
        when 1
        then 'better'
        when 0
        then 'same'
        when -1
        then 'worse'
    end as went,  -- Better, same or worse; empty for the pooled shifts.
    ranked.courses,  -- Courses with both scores that moved so.
    macro.published(macro.share(ranked.courses, ranked.courses_of_group)) as share,  -- Of the group's courses with both scores and bands.
    ranked.is_suppressed,  -- Whether the shift is too rare, or the group too small, to be shown by itself; empty is not zero.
    ranked.suppression_reason  -- Why it is not shown.
from ranked
left join ref.scale using (instrument_id)
order by all
