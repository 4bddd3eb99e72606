-- What each published rate means: one row per profile, metric and measure, in a sentence with its numbers and their
-- source.
-- A metric is defined for a measure only if the profile has every number that the sentence needs.
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
            rule.source,
            rule.status,
            rule.reviewed_on
        from ref.rule
    ),
    defined as (
        select
            worded.*,
            metric.metric_id,
            metric.title,
            metric.good_is,
            metric.denominator,
            macro.filled(
                macro.filled(
                    macro.filled(
                        macro.filled(
                            macro.filled(macro.filled(metric.sentence, '{response}', response), '{minimum}', minimum),
                            '{remission}',
                            remission
                        ),
                        '{caseness}',
                        caseness
                    ),
                    '{reliable_change}',
                    reliable_change
                ),
                '{mcid}',
                mcid
            ) as sentence
        from worded
        cross join ref.metric
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
    defined.denominator,  -- What the rate is over.
    defined.good_is,  -- Whether a higher or a lower rate is better.
    defined.source,  -- Where the numbers come from.
    defined.status,  -- Whether that source was seen; unverified where not.
    defined.reviewed_on  -- When the rule was last looked at.
from defined
inner join ref.profile using (profile_id)
left join ref.scale using (instrument_id)
where defined.sentence is not null
order by all
