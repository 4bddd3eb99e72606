-- What became of each item: exact sums over the courses that answered it both before treatment and in the window, by
-- level
-- of every breakdown.
-- Answers are turned the way of their measure (ref.scale_item), and those of the forms that made baseline and score. An
-- item belongs
-- to the measure with the most items: the questionnaire's total, where it has one.
-- Items of questionnaires that bring totals alone have no row, nor have items beyond the thirtieth, nor windows that
-- are counted from a baseline of their own.
-- Undisclosed: only report reads it, and only through release.item_change.
with
    measures as (select questionnaire_id, instrument_id, count(*) as items from ref.scale_item group by all),
    items as (
        select
            arg_max(scale_item.instrument_id, measures.items) as instrument_id,
            scale_item.item,
            macro.pack_of(scale_item.item) as pack,
            macro.shift_of(scale_item.item) as shift,
            any_value(scale_item.slope) as slope,
            any_value(scale_item."offset") as "offset"
        from ref.scale_item
        inner join measures using (questionnaire_id, instrument_id)
        group by scale_item.questionnaire_id, scale_item.item
    ),
    -- Measures and windows go by number through what is done per answer.
    numbers as (
        select instrument_id, row_number() over (order by instrument_id)::smallint as measure
        from (select distinct instrument_id from items) as given
    ),
    window_numbers as (
        select window_id, row_number() over (order by window_id)::smallint as window_number
        from (select distinct window_id from tally.score) as given
        anti join (select window_id from ref.window where baseline_pick is not null) as own using (window_id)
    ),
    forms as (
        select score.form_number, numbers.measure, score.answers_1_15, score.answers_16_30
        from core.score
        inner join numbers using (instrument_id)
        where score.answers_1_15 is not null or score.answers_16_30 is not null
    ),
    baselines as (
        select
            baseline.course_id,
            baseline.instrument_id,
            forms.measure,
            stratum.stratum_id,
            forms.answers_1_15,
            forms.answers_16_30
        from core.baseline
        inner join core.stratum using (course_id, instrument_id)
        inner join numbers using (instrument_id)
        inner join forms on baseline.baseline_form_number = forms.form_number and numbers.measure = forms.measure
    ),
    -- Pairs of forms come first, and items to them: the other way round, each item would look for its forms.
    pairs as materialized(
        select
            baselines.measure,
            window_numbers.window_number,
            baselines.stratum_id,
            baselines.answers_1_15 as before_1_15,
            baselines.answers_16_30 as before_16_30,
            forms.answers_1_15 as after_1_15,
            forms.answers_16_30 as after_16_30
        from core.counted as outcome
        inner join baselines using (course_id, instrument_id)
        inner join window_numbers using (window_id)
        inner join forms on outcome.form_number = forms.form_number and baselines.measure = forms.measure
        where outcome.is_due
    ),
    answers as (
        select
            pairs.measure,
            pairs.window_number,
            pairs.stratum_id,
            items.item,
            macro.unpacked(case when pack = 0 then before_1_15 when pack = 1 then before_16_30 end, shift) as before,
            macro.unpacked(case when pack = 0 then after_1_15 when pack = 1 then after_16_30 end, shift) as after
        from pairs
        inner join numbers using (measure)
        inner join items using (instrument_id)
    ),
    answers_alike as (
        select measure, window_number, stratum_id, item, before, after, count(*) as n
        from answers
        where before >= 0 and after >= 0
        group by all
    ),
    points as (
        select
            items.instrument_id,
            window_numbers.window_id,
            alike.stratum_id,
            alike.item,
            items."offset" + items.slope * alike.before as before,
            items."offset" + items.slope * alike.after as after,
            alike.n
        from answers_alike as alike
        inner join numbers using (measure)
        inner join items using (instrument_id, item)
        inner join window_numbers using (window_number)
    ),
    counted as (
        select
            points.instrument_id,
            points.window_id,
            points.item,
            stratum_level.breakdown,
            stratum_level.level,
            sum(n) as n,
            sum(n * before) as sum_baseline,
            sum(n * before * before) as sum_baseline_squared,
            sum(n * after) as sum_score,
            sum(n * after * after) as sum_score_squared,
            sum(n * (after - before)) as sum_change,
            sum(n * (after - before) * (after - before)) as sum_change_squared,
            sum(n) filter (where scale.sign * (before - after) > 0) as improved,
            sum(n) filter (where scale.sign * (before - after) < 0) as worse
        from points
        inner join ref.scale using (instrument_id)
        inner join core.stratum_level using (stratum_id)
        group by all
    ),
    -- A level in which nobody answered has its row too: the levels of a breakdown add up to all who are enrolled.
    asked as (
        select found.instrument_id, found.window_id, found.item, score.breakdown, score.level, score.enrolled
        from (select distinct instrument_id, window_id, item from counted) as found
        inner join tally.score using (instrument_id, window_id)
    )
select
    asked.instrument_id,  -- Measure that the item belongs to.
    asked.window_id,  -- Window of the follow-up form.
    asked.item,  -- Number of the item.
    asked.breakdown,  -- By what the courses are grouped.
    asked.level,  -- Group.
    asked.enrolled,  -- Courses of whom the measure is expected and whose window has passed.
    coalesce(counted.n, 0)::bigint as n,  -- Courses that answered the item on both forms.
    counted.sum_baseline::bigint as sum_baseline,  -- Sum of the points before treatment.
    counted.sum_baseline_squared::bigint as sum_baseline_squared,  -- Sum of their squares.
    counted.sum_score::bigint as sum_score,  -- Sum of the points in the window.
    counted.sum_score_squared::bigint as sum_score_squared,  -- Sum of their squares.
    counted.sum_change::bigint as sum_change,  -- Sum of the changes.
    counted.sum_change_squared::bigint as sum_change_squared,  -- Sum of their squares.
    coalesce(counted.improved, 0)::bigint as improved,  -- Courses whose answer is better.
    coalesce(counted.worse, 0)::bigint as worse  -- Courses whose answer is worse.
from asked
left join counted using (instrument_id, window_id, item, breakdown, level)
