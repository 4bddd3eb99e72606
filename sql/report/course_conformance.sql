-- What courses kept to: one row per rule and group, with the limits of the rule and their source.
-- Coverage is the share of courses of which enough is known to judge.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    rounded as (
        select
            rule_id,
            breakdown,
            level,
            macro.rounded(courses, unit) as courses,
            macro.rounded(judged, unit) as judged,
            macro.rounded(met, unit) as met,
            is_suppressed,
            suppression_reason,
            as_of
        from release.course_rule
    )
select
    rounded.rule_id,  -- Rule.
    rule.topic,  -- What it is about: protocol, completion, exposure, integration, maintenance or format.
    rule.title,  -- Name of the rule.
    rule.sentence,  -- When a course meets it.
    rounded.breakdown,  -- By what the courses are grouped; all for the total.
    rounded.level,  -- Group; (pooled) for those too small to be shown by themselves.
    rounded.courses,  -- Courses.
    rounded.judged,  -- Courses of which enough is known to judge.
    macro.published(macro.share(rounded.judged, rounded.courses)) as coverage,  -- Judged / courses.
    rounded.met,  -- Courses that meet the rule.
    macro.published(macro.share(rounded.met, rounded.judged)) as rate,  -- Met / judged.
    macro.published(macro.wilson_low(rounded.met, rounded.judged, z)) as rate_low,  -- Lower end of the Wilson 95 % interval.
    macro.published(macro.wilson_high(rounded.met, rounded.judged, z)) as rate_high,  -- Upper end of the Wilson 95 % interval.
    rule.source,  -- Where the limits come from.
    rule.status,  -- Whether that source was seen; unverified where not.
    rounded.is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    rounded.suppression_reason,  -- Why it is not shown.
    rounded.as_of  -- As-of date of the numbers: the release's own, or an earlier one where they are held (published.held).
from rounded
inner join ref.course_rule as rule using (rule_id)
cross join quantile
order by all
