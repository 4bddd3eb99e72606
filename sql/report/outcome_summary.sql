-- The rates: one row per profile, metric, measure, window and group. What may leave the house.
-- A rate never stands without its coverage, and its bounds say what the unmeasured could do to it.
-- Groups too small to show are pooled into the level (pooled), and stay as rows without numbers; see release.outcome.
-- Caveat: observational. Groups differ in more than what they are named after.
with
    rounding as (
        select disclosure.round_to as unit
        from ref.setting
        inner join ref.disclosure on disclosure.rule = setting.disclosure_rule
    ),
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    pooled as (
        select
            release.profile_id,
            release.metric_id,
            release.instrument_id,
            release.window_id,
            release.breakdown,
            release.shown_as,
            sum(tally.enrolled) as enrolled,
            sum(tally.with_baseline) as with_baseline,
            sum(tally.eligible) as eligible,
            sum(tally.measured) as measured,
            sum(tally.denominator) as denominator,
            sum(tally.numerator) as numerator
        from tally.outcome as tally
        inner join release.outcome as release using (profile_id, metric_id, instrument_id, window_id, breakdown, level)
        where release.shown_as is not null
        group by all
    ),
    shown as (
        select
            profile_id,
            metric_id,
            instrument_id,
            window_id,
            breakdown,
            shown_as as level,
            macro.rounded(enrolled, unit) as enrolled,
            macro.rounded(with_baseline, unit) as with_baseline,
            macro.rounded(eligible, unit) as eligible,
            macro.rounded(measured, unit) as measured,
            macro.rounded(denominator, unit) as denominator,
            macro.rounded(numerator, unit) as numerator,
            false as is_suppressed
        from pooled
        cross join rounding
    ),
    hidden as (
        select profile_id, metric_id, instrument_id, window_id, breakdown, level, is_suppressed, suppression_reason
        from release.outcome
        where is_suppressed
    ),
    rows as (
        from shown
        union all by name
        from hidden
    )
select
    rows.profile_id,  -- Profile whose thresholds are used.
    rows.metric_id,  -- Metric; published.definition says what it asks.
    rows.instrument_id,  -- Measure.
    rows.window_id,  -- Window of the follow-up score.
    rows.breakdown,  -- By what the courses are grouped; all for the total.
    rows.level,  -- Group; (pooled) for those too small to be shown by themselves.
    rows.enrolled,  -- Courses of whom the measure is expected and whose window has passed.
    rows.with_baseline,  -- Enrolled courses with a baseline.
    rows.eligible,  -- Those whose baseline the metric can apply to.
    rows.measured,  -- Eligible courses with a score in the window.
    macro.published(macro.share(rows.measured, rows.eligible)) as coverage,  -- Measured / eligible.
    rows.numerator,  -- Courses that meet the condition.
    rows.denominator,  -- Courses the rate is over: the measured, unless the profile keeps the unmeasured in.
    macro.published(macro.share(rows.numerator, rows.denominator)) as rate,  -- Numerator / denominator.
    macro.published(macro.wilson_low(rows.numerator, rows.denominator, z)) as rate_low,  -- Lower end of the Wilson 95 % interval.
    macro.published(macro.wilson_high(rows.numerator, rows.denominator, z)) as rate_high,  -- Upper end of the Wilson 95 % interval.
    macro.published(
        macro.share(
            rows.numerator + case when metric.good_is = 'down' then rows.eligible - rows.measured else 0 end,
            rows.eligible
        )
    ) as rate_worst,  -- Rate over the eligible if every unmeasured course had gone badly.
    macro.published(
        macro.share(
            rows.numerator + case when metric.good_is = 'down' then 0 else rows.eligible - rows.measured end,
            rows.eligible
        )
    ) as rate_best,  -- Rate over the eligible if every unmeasured course had gone well.
    rows.is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    rows.suppression_reason  -- Why it is not shown.
from rows
left join ref.metric using (metric_id)
cross join quantile
order by all
