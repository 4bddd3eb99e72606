-- What each published rate means: one row per profile, metric and measure, in a sentence with its numbers and their
-- source.
-- A metric is defined for a measure only if the profile asks it and has every number that the sentence needs.
-- A profile whose review is overdue at the as-of date says so here: its thresholds may have been replaced meanwhile.
with
    worded as (
        select
            rule.profile_id,
            rule.instrument_id,
            coalesce(
                macro.plain(rule.response_points) || ' points',
                macro.plain(100 * rule.response_share) || ' % of the baseline, which must be above 0'
            ) as response,
            coalesce('; only of a baseline no milder than ' || macro.plain(rule.minimum_baseline), '') as minimum,
            macro.threshold(rule.remission_side, rule.remission_cut) as remission,
            macro.threshold(rule.caseness_side, rule.caseness_cut) as caseness,
            macro.plain(rule.reliable_change) as reliable_change,
            coalesce(
                macro.plain(rule.mcid_points) || ' points',
                macro.plain(100 * rule.mcid_share) || ' % of the baseline, which must be above 0'
            ) as mcid,
            replace(rule.criterion_id, '_', ' ') as criterion,
            macro.plain(flag.item) as item,
            macro.plain(flag.at_least) as item_from,
            flag.source as item_source,
            flag.status as item_status,
            macro.plain(first.from_hours) as first_from,
            macro.plain(first.to_hours) as first_to,
            rule.source,
            rule.status,
            rule.reviewed_on
        from ref.rule
        left join ref.item_flag as flag on rule.instrument_id = flag.instrument_id and flag.flag_id = 'suicidality'
        left join ref.rapid as first on first.role = 'first'
    ),
    defined as (
        select
            worded.* replace (
                case when contains(metric.sentence, '{item}') then item_source else source end as source,
                case when contains(metric.sentence, '{item}') then item_status else status end as status
            ),
            metric.metric_id,
            coalesce(metric.is_paired, false) as is_paired,
            metric.title,
            metric.good_is,
            metric.denominator,
            metric.sentence as asked,
            macro.told(
                metric.sentence,
                [
                    {'slot':'{response}', 'value':response},
                    {'slot':'{minimum}', 'value':minimum},
                    {'slot':'{remission}', 'value':remission},
                    {'slot':'{caseness}', 'value':caseness},
                    {'slot':'{reliable_change}', 'value':reliable_change},
                    {'slot':'{mcid}', 'value':mcid},
                    {'slot':'{criterion}', 'value':criterion},
                    {'slot':'{first_from}', 'value':first_from},
                    {'slot':'{first_to}', 'value':first_to},
                    {'slot':'{item_from}', 'value':item_from},
                    {'slot':'{item}', 'value':item}
                ]
            ) as sentence
        from worded
        inner join
            ref.metric
            on not coalesce(metric.is_paired, false)
            or exists (
                select 1
                from ref.pair
                where pair.profile_id = worded.profile_id and pair.instrument_id = worded.instrument_id
            )
    ),
    choosy as (select distinct profile_id from ref.profile_metric),
    windows as (
        select
            profile_window.profile_id,
            coalesce(profile_window.is_paired, false) as is_paired,
            string_agg(window_id, ', ' order by "window".ordinal) as windows
        from ref.profile_window
        inner join ref."window" using (window_id)
        group by all
    )
select
    defined.profile_id,  -- Profile.
    defined.metric_id,  -- Metric.
    defined.instrument_id,  -- Measure.
    profile.title as profile_title,  -- Name of the profile.
    profile.version as profile_version,  -- Its version.
    defined.title as metric_title,  -- Name of the metric.
    scale.title as instrument_title,  -- Name of the measure.
    scale.direction,  -- Whether lower or higher scores are better.
    defined.sentence as definition,  -- What is counted in the numerator.
    defined.denominator || case
        when profile.unmeasured = 'in_denominator'
        then ', and those without a score in the window, which count as not meeting the condition'
        else ''
    end as denominator,  -- What the rate is over.
    windows.windows,  -- Windows in which the profile asks it.
    defined.good_is,  -- Whether a higher or a lower rate is better.
    defined.source,  -- Where the numbers come from.
    defined.status,  -- Whether that source was seen; unverified where not.
    defined.reviewed_on,  -- When the rule was last looked at.
    profile.source as profile_source,  -- Where the profile's definitions stand.
    profile.status as profile_status,  -- Whether that was seen; the weakest status of its rules.
    profile.reviewed_on as profile_reviewed_on,  -- When the profile was last looked at.
    profile.review_due_on,  -- When it is to be looked at again.
    coalesce(profile.review_due_on < setting.as_of, false) as is_review_overdue  -- Whether that day had passed at the as-of date.
from defined
inner join ref.profile using (profile_id)
cross join ref.setting
left join windows on defined.profile_id = windows.profile_id and defined.is_paired = windows.is_paired
left join ref.scale using (instrument_id)
left join choosy using (profile_id)
left join
    ref.profile_metric as chosen on defined.profile_id = chosen.profile_id and defined.metric_id = chosen.metric_id
where
    defined.sentence is not null
    and (choosy.profile_id is null or chosen.metric_id is not null)
    and (defined.profile_id = setting.profile_id or not contains(defined.asked, '{item}'))
order by all
