-- Clinically significant change: one row per measure, window, method, cut-off, group and category, of the courses with
-- both scores.
-- Recovered is more than the metric recovery asks: from the clinical to the functional side of the cut-off, and by more
-- than the error
-- of measuring. What the lines are in points, and what from, stands in published.change_reference.
-- For everybody together all methods and cut-offs stand beside each other, to show how much the answer depends on them;
-- groups have the usual ones (is_usual) alone.
-- Caveat: observational, and the lines are estimated from this clinic's own baselines. A group that starts mild has
-- fewer
-- who can recover.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    rows as (
        select
            category.instrument_id,
            category.window_id,
            category.method_id,
            category.cutoff_id,
            category.is_usual,
            category.breakdown,
            category.level,
            category.category,
            macro.rounded(category.n, category.unit) as n,
            -- Groups shown there may be too small for categories, so that more of them stand together here.
            case
                when category.level <> '(pooled)'
                then macro.rounded(score.n, score.unit)
                when
                    not category.is_suppressed
                    and (
                        bool_or(category.category = '(pooled)') over of_group
                        or bool_and(not category.is_suppressed) over of_group
                    )
                then macro.rounded(sum(category.n) over of_group, category.unit)
            end as measured,
            category.is_suppressed,
            category.suppression_reason,
            category.as_of
        from release.change_category as category
        left join
            release.score
            on category.instrument_id = score.instrument_id
            and category.window_id = score.window_id
            and category.breakdown = score.breakdown
            and category.level = score.level
            and not score.is_suppressed
            and not category.is_suppressed
        window
            of_group as (
                partition by
                    category.instrument_id,
                    category.window_id,
                    category.method_id,
                    category.cutoff_id,
                    category.is_usual,
                    category.breakdown,
                    category.level
            )
    )
select
    rows.instrument_id,  -- Measure.
    rows.window_id,  -- Window of the follow-up score.
    rows.method_id,  -- Method: jt, en, gln or ha.
    method.title as method_title,  -- Its name.
    rows.cutoff_id,  -- Cut-off: a, b or c.
    rows.is_usual,  -- Whether it's the usual method with its best cut-off: c, or a where there is no functional norm.
    rows.breakdown,  -- By what the courses are grouped; all for the total.
    rows.level,  -- Group; (pooled) for those too small to be shown by themselves.
    rows.category,  -- Category; (pooled) for those too small to be shown by themselves.
    category.title as category_title,  -- Its name.
    category.good_is,  -- Whether a higher or a lower rate is better; empty where neither is.
    rows.n,  -- Courses in the category.
    rows.measured,  -- Courses with a baseline and a score in the window, which has passed; of pooled groups, those of all their categories.
    macro.published(macro.share(rows.n, rows.measured)) as rate,  -- Share of the measured.
    macro.published(macro.wilson_low(rows.n, rows.measured, z)) as rate_low,  -- Lower end of its Wilson 95 % interval.
    macro.published(macro.wilson_high(rows.n, rows.measured, z)) as rate_high,  -- Upper end of its Wilson 95 % interval.
    rows.is_suppressed,  -- Whether the category is too small to be shown by itself; its numbers are empty, which is not zero.
    rows.suppression_reason,  -- Why it is not shown.
    rows.as_of  -- As-of date of the numbers: the release's own, or an earlier one where they are held (published.held).
from rows
left join ref.change_method as method using (method_id)
left join ref.change_category as category using (category)
cross join quantile
order by all
