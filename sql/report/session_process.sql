-- Sessions over time: one row per rule of doses (ref.dose_rule) or kind of adverse event (ref.event_kind) and period in
-- which courses began, with control limits and, in words, the signals of ref.control_rule.
-- Months too small to be shown are merged with their neighbours into one period, and stay as rows without numbers.
-- Rules have the limits of a p-chart over the doses that could be judged, events those of a u-chart over all doses
-- (ref.control_chart); the centre is that of all periods shown. A signal says that something is unlike the other
-- periods,
-- not why, nor whether it is good. Seasonality is not a signal: a wave that comes back each year is to be expected.
-- Caveat: doses of one patient are alike, so limits are somewhat too narrow. Of many points some signal by chance.
with
    figures as (
        select
            rule_id as figure_id,
            'p' as chart_id,
            month,
            macro.rounded(courses, unit) as courses,
            macro.rounded(doses, unit) as doses,
            macro.rounded(judged, unit) as denominator,
            macro.rounded(met, unit) as numerator,
            is_suppressed,
            suppression_reason
        from release.dose_month
        union all by name
        select
            kind_id as figure_id,
            'u' as chart_id,
            month,
            macro.rounded(courses, unit) as courses,
            macro.rounded(doses, unit) as doses,
            macro.rounded(doses, unit) as denominator,
            macro.rounded(events, unit) as numerator,
            is_suppressed,
            suppression_reason
        from release.event_month
        union all by name
        select rule_id as figure_id, 'p' as chart_id, is_suppressed, suppression_reason
        from release.dose_months
        where is_suppressed
        union all by name
        select kind_id as figure_id, 'u' as chart_id, is_suppressed, suppression_reason
        from release.event_months
        where is_suppressed
    ),
    points as (
        select
            *,
            macro.share(numerator, denominator) as value,
            row_number() over (partition by chart_id, figure_id order by month) as place
        from figures
        where not is_suppressed and denominator > 0
    ),
    centres as (
        select chart_id, figure_id, macro.share(sum(numerator), sum(denominator)) as centre from points group by all
    ),
    limited as (
        select
            points.*,
            centres.centre,
            case
                points.chart_id
                when 'p'
                then sqrt(centres.centre * (1 - centres.centre) / points.denominator)
                else sqrt(centres.centre / points.denominator)
            end as sigma,
            chart.sigmas::double as sigmas,
            round((points.value - centres.centre) / nullif(sigma, 0), 9) as deviation
        from points
        inner join centres using (chart_id, figure_id)
        inner join ref.control_chart as chart using (chart_id)
    ),
    signalled as (
        select latest.chart_id, latest.figure_id, latest.place, rule.ordinal, rule.sentence
        from limited as latest
        inner join ref.control_rule as rule on abs(latest.deviation) > rule.sigmas
        inner join
            limited as earlier
            on latest.chart_id = earlier.chart_id
            and latest.figure_id = earlier.figure_id
            and earlier.place > latest.place - rule.among
            and earlier.place <= latest.place
            and sign(earlier.deviation) = sign(latest.deviation)
            and abs(earlier.deviation) > rule.sigmas
        group by all
        having count(*) >= any_value(rule.needed)
    ),
    signals as (
        select chart_id, figure_id, place, string_agg(sentence, '; ' order by ordinal) as signal
        from signalled
        group by all
    )
select
    figures.figure_id,  -- Rule of doses, or kind of adverse event.
    coalesce(rule.title, kind.title) as title,  -- Its name.
    figures.chart_id,  -- Kind of chart (ref.control_chart): p for rules, u for events.
    case
        when length(figures.month) > 7
        then left(figures.month, 7) || ' to ' || right(figures.month, 7)
        else figures.month
    end as period,  -- Month of day 0, or the first and the last of several.
    figures.courses,  -- Courses that began then, with a dose that the figure is about.
    figures.doses,  -- Their doses that it is about.
    macro.published(macro.share(figures.denominator, figures.doses)) as coverage,  -- Judged / doses; 1 for events, which are over all.
    figures.numerator,  -- Doses that meet the rule, or events.
    figures.denominator,  -- Doses that could be judged, or doses.
    macro.published(limited.value) as value,  -- Share of doses that meet the rule, or events per dose.
    macro.published(limited.centre) as centre,  -- The same over all periods.
    macro.published(
        case when limited.chart_id is not null then greatest(limited.centre - limited.sigmas * limited.sigma, 0) end
    ) as lower,  -- Lower control limit.
    macro.published(
        case
            when limited.chart_id = 'p'
            then least(limited.centre + limited.sigmas * limited.sigma, 1)
            else limited.centre + limited.sigmas * limited.sigma
        end
    ) as upper,  -- Upper control limit.
    signals.signal,  -- Signals of the period in words; empty where there is none.
    figures.is_suppressed,  -- Whether the month is too small to be shown by itself; its numbers are empty, which is not zero.
    figures.suppression_reason  -- Why it is not shown.
from figures
left join limited using (chart_id, figure_id, month)
left join
    signals
    on limited.chart_id = signals.chart_id
    and limited.figure_id = signals.figure_id
    and limited.place = signals.place
left join ref.dose_rule as rule on figures.chart_id = 'p' and figures.figure_id = rule.rule_id
left join ref.event_kind as kind on figures.chart_id = 'u' and figures.figure_id = kind.kind_id
order by all
