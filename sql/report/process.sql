-- The headline over time: one row per figure, measure and period in which courses began, with control limits and, in
-- words, the signals of ref.control_rule. Window and profile are those of the report's headline.
-- Months too small to be shown are merged with their neighbours into one period, and stay as rows without numbers.
-- Rates have the limits of a p-chart, mean changes those of an XmR chart (ref.control_chart); the centre is that of
-- all periods shown. A signal says that something is unlike the other periods, not why, nor whether it is good:
-- patients,
-- coverage and staff change too. Seasonality is not a signal: a wave that comes back each year is to be expected.
-- Of many points some signal by chance.
with
    rounded as (
        select
            instrument_id,
            month,
            macro.rounded(enrolled, unit) as enrolled,
            macro.rounded(measured, unit) as measured,
            macro.rounded(response_of, unit) as response_of,
            macro.rounded(responded, unit) as responded,
            macro.rounded(remission_of, unit) as remission_of,
            macro.rounded(remitted, unit) as remitted,
            macro.share(sum_change, measured) as mean_change,
            is_suppressed,
            suppression_reason
        from release.course_month
        where breakdown = 'all'
    ),
    figures as (
        select *, 'response' as figure_id, 'p' as chart_id, response_of as denominator, responded as numerator
        from rounded
        union all by name
        select *, 'remission' as figure_id, 'p' as chart_id, remission_of as denominator, remitted as numerator
        from rounded
        union all by name
        select *, 'mean_change' as figure_id, 'xmr' as chart_id, measured as denominator, null::bigint as numerator
        from rounded
    ),
    points as (
        select
            *,
            case chart_id when 'p' then macro.share(numerator, denominator) else mean_change end as value,
            row_number() over (partition by figure_id, instrument_id order by month) as place
        from figures
        where not is_suppressed and denominator > 0
    ),
    moved as (
        select *, abs(value - lag(value) over (partition by figure_id, instrument_id order by place)) as moving_range
        from points
    ),
    centres as (
        select
            figure_id,
            instrument_id,
            case
                any_value(chart_id)
                when 'p'
                then macro.share(sum(numerator), sum(denominator))
                else avg(value order by place)
            end as centre,
            avg(moving_range order by place) as mean_range
        from moved
        group by all
    ),
    limited as (
        select
            points.*,
            centres.centre,
            case
                points.chart_id
                when 'p'
                then sqrt(centre * (1 - centre) / points.denominator)
                else mean_range / chart.range_factor::double
            end as sigma,
            chart.sigmas::double as sigmas,
            round((points.value - centres.centre) / nullif(sigma, 0), 9) as deviation
        from points
        inner join centres using (figure_id, instrument_id)
        inner join ref.control_chart as chart using (chart_id)
    ),
    signalled as (
        select latest.figure_id, latest.instrument_id, latest.place, rule.ordinal, rule.sentence
        from limited as latest
        inner join ref.control_rule as rule on abs(latest.deviation) > rule.sigmas
        inner join
            limited as earlier
            on latest.figure_id = earlier.figure_id
            and latest.instrument_id = earlier.instrument_id
            and earlier.place > latest.place - rule.among
            and earlier.place <= latest.place
            and sign(earlier.deviation) = sign(latest.deviation)
            and abs(earlier.deviation) > rule.sigmas
        group by all
        having count(*) >= any_value(rule.needed)
    ),
    signals as (
        select figure_id, instrument_id, place, string_agg(sentence, '; ' order by ordinal) as signal
        from signalled
        group by all
    )
select
    figures.figure_id,  -- Figure: response, remission or mean_change.
    figures.instrument_id,  -- Measure.
    figures.chart_id,  -- Kind of chart (ref.control_chart).
    case
        when length(figures.month) > 7
        then left(figures.month, 7) || ' to ' || right(figures.month, 7)
        else figures.month
    end as period,  -- Month of day 0, or the first and the last of several.
    figures.enrolled,  -- Courses of whom the measure is expected and whose window has passed.
    figures.measured,  -- Of these, courses with both scores.
    macro.published(macro.share(figures.measured, figures.enrolled)) as coverage,  -- Measured / enrolled.
    figures.numerator,  -- Courses that meet the condition; empty for means.
    figures.denominator,  -- Courses the figure is over.
    macro.published(limited.value) as value,  -- Rate, or mean change in points, follow-up minus baseline.
    macro.published(limited.centre) as centre,  -- Rate over all periods, or mean of the periods' means.
    macro.published(
        case
            when limited.chart_id = 'p'
            then greatest(limited.centre - limited.sigmas * limited.sigma, 0)
            else limited.centre - limited.sigmas * limited.sigma
        end
    ) as lower,  -- Lower control limit; empty for the mean of a single period.
    macro.published(
        case
            when limited.chart_id = 'p'
            then least(limited.centre + limited.sigmas * limited.sigma, 1)
            else limited.centre + limited.sigmas * limited.sigma
        end
    ) as upper,  -- Upper control limit; empty for the mean of a single period.
    signals.signal,  -- Signals of the period in words; empty where there is none.
    figures.is_suppressed,  -- Whether the month is too small to be shown by itself; its numbers are empty, which is not zero.
    figures.suppression_reason  -- Why it is not shown.
from figures
left join limited using (figure_id, instrument_id, month)
left join
    signals
    on limited.figure_id = signals.figure_id
    and limited.instrument_id = signals.instrument_id
    and limited.place = signals.place
order by all
