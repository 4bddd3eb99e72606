-- What became of each item: exact sums over the courses that answered it both before treatment and in the window, by
-- level
-- of every breakdown.
-- Answers are turned the way of their measure (ref.scale_item), and those of the forms that made baseline and score. An
-- item belongs
-- to the measure with the most items: the questionnaire's total, where it has one.
-- Items of questionnaires that bring totals alone have no row, nor have items beyond the thirtieth.
-- Undisclosed: only report reads it, and only through release.item_change.
with
    measures as (select questionnaire_id, instrument_id, count(*) as items from ref.scale_item group by all),
    items as (
        select
            scale_item.item,
            arg_max(scale_item.instrument_id, measures.items) as instrument_id,
            any_value(scale_item.slope) as slope,
            any_value(scale_item."offset") as "offset",
            macro.pack_of(scale_item.item) as pack
        from ref.scale_item
        inner join measures using (questionnaire_id, instrument_id)
        group by scale_item.questionnaire_id, scale_item.item
    ),
    forms as (
        select form_number, instrument_id, answers_1_15, answers_16_30
        from core.score
        where answers_1_15 is not null or answers_16_30 is not null
    ),
    paired as (
        select
            outcome.instrument_id,
            outcome.window_id,
            stratum.stratum_id,
            [before.answers_1_15, before.answers_16_30] as before,
            [after.answers_1_15, after.answers_16_30] as after
        from core.outcome
        inner join core.stratum using (course_id, instrument_id)
        inner join core.baseline using (course_id, instrument_id)
        inner join
            forms as before
            on baseline.baseline_form_number = before.form_number
            and outcome.instrument_id = before.instrument_id
        inner join
            forms as after on outcome.form_number = after.form_number and outcome.instrument_id = after.instrument_id
        where outcome.is_due
    ),
    answered as (
        select
            paired.instrument_id,
            paired.window_id,
            paired.stratum_id,
            items.item,
            items."offset" + items.slope * macro.unpacked(paired.before[items.pack + 1], items.item) as before,
            items."offset" + items.slope * macro.unpacked(paired.after[items.pack + 1], items.item) as after
        from paired
        inner join items using (instrument_id)
    ),
    answers_alike as (
        select instrument_id, window_id, stratum_id, item, before, after, count(*) as n
        from answered
        where before is not null and after is not null
        group by all
    ),
    counted as (
        select
            alike.instrument_id,
            alike.window_id,
            alike.item,
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
        from answers_alike as alike
        inner join ref.scale using (instrument_id)
        inner join core.stratum_level using (stratum_id)
        group by all
    )
select
    counted.instrument_id,  -- Measure that the item belongs to.
    counted.window_id,  -- Window of the follow-up form.
    counted.item,  -- Number of the item.
    counted.breakdown,  -- By what the courses are grouped.
    counted.level,  -- Group.
    score.enrolled,  -- Courses of whom the measure is expected and whose window has passed.
    counted.n::bigint as n,  -- Courses that answered the item on both forms.
    counted.sum_baseline::bigint as sum_baseline,  -- Sum of the points before treatment.
    counted.sum_baseline_squared::bigint as sum_baseline_squared,  -- Sum of their squares.
    counted.sum_score::bigint as sum_score,  -- Sum of the points in the window.
    counted.sum_score_squared::bigint as sum_score_squared,  -- Sum of their squares.
    counted.sum_change::bigint as sum_change,  -- Sum of the changes.
    counted.sum_change_squared::bigint as sum_change_squared,  -- Sum of their squares.
    coalesce(counted.improved, 0)::bigint as improved,  -- Courses whose answer is better.
    coalesce(counted.worse, 0)::bigint as worse  -- Courses whose answer is worse.
from counted
inner join tally.score using (instrument_id, window_id, breakdown, level)
