-- How many courses moved from which severity band to which, by level of every breakdown: baseline against window.
-- Bands are those of the measure's default set; a measure without bands has no rows. A band is the highest whose low
-- end the score reaches.
-- Bands are looked up once per score and not once per course.
-- Undisclosed: only report reads it, and only through release.band_shift.
with
    paired as (
        select instrument_id, window_id, stratum_id, baseline, score, sum(courses) as courses
        from core.outcome_alike
        where is_due and baseline is not null and score is not null
        group by all
    ),
    scores as (
        select instrument_id, baseline as score
        from paired
        union
        select instrument_id, score
        from paired
    ),
    bands as (
        select scores.instrument_id, scores.score, arg_max(band.band_id, band.low) as band_id
        from scores
        inner join
            ref.band on scores.instrument_id = band.instrument_id and band.is_default_set and scores.score >= band.low
        group by all
    ),
    shifted as (
        select
            paired.instrument_id,
            paired.window_id,
            paired.stratum_id,
            before.band_id || ' > ' || after.band_id as shift,
            sum(paired.courses) as courses
        from paired
        inner join bands as before on paired.instrument_id = before.instrument_id and paired.baseline = before.score
        inner join bands as after on paired.instrument_id = after.instrument_id and paired.score = after.score
        group by all
    )
select
    shifted.instrument_id,  -- Measure.
    shifted.window_id,  -- Window of the follow-up score.
    stratum_level.breakdown,  -- By what the courses are grouped.
    stratum_level.level,  -- Group.
    shifted.shift,  -- Band of the baseline > band of the follow-up score.
    sum(shifted.courses)::bigint as courses  -- Courses with both scores that moved so.
from shifted
inner join core.stratum_level using (stratum_id)
group by all
