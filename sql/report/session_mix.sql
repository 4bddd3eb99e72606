-- What a course is made of: one row per kind of session (ref.session_mix) and group, over the courses with a dose.
-- Per dose, integration sessions are the integration-to-medicine ratio of the group.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    in_order as (
        select
            *,
            sum(courses) over (partition by mix_id, breakdown, level order by number) as up_to_here,
            sum(courses) over (partition by mix_id, breakdown, level) as of_all
        from release.session_mix_value
    ),
    described as (
        select
            mix_id,
            breakdown,
            level,
            sum(courses) as n,
            sum(courses * number) as total,
            sum(courses * number * number) as total_of_squares,
            (
                min(number) filter (where 2 * up_to_here >= of_all) + min(number) filter (where 2 * up_to_here > of_all)
            )::double
            / 2 as median
        from in_order
        group by all
    ),
    rounded as (
        select
            mix_id,
            breakdown,
            level,
            macro.rounded(courses, unit) as courses,
            macro.rounded(courses_with, unit) as courses_with,
            macro.rounded(sessions, unit) as sessions,
            macro.rounded(doses, unit) as doses,
            is_suppressed,
            suppression_reason
        from release.session_mix
    )
select
    rounded.mix_id,  -- Kind of session.
    named.ordinal,  -- Place in lists.
    named.title,  -- Name of the kind.
    named.unit,  -- What is counted.
    rounded.breakdown,  -- By what the courses are grouped; all for the total.
    rounded.level,  -- Group; (pooled) for those too small to be shown by themselves.
    rounded.courses,  -- Courses with a dose.
    rounded.courses_with,  -- Of these, courses with such a session.
    macro.published(macro.share(rounded.courses_with, rounded.courses)) as rate,  -- Courses with one / courses.
    macro.published(macro.wilson_low(rounded.courses_with, rounded.courses, z)) as rate_low,  -- Lower end of its Wilson 95 % interval.
    macro.published(macro.wilson_high(rounded.courses_with, rounded.courses, z)) as rate_high,  -- Upper end of its Wilson 95 % interval.
    rounded.sessions,  -- Such sessions.
    rounded.doses,  -- Doses of the courses.
    macro.published(macro.share(rounded.sessions, rounded.doses)) as per_dose,  -- Sessions / doses.
    macro.published(macro.share(described.total, described.n)) as mean,  -- Mean per course.
    macro.published(macro.spread(described.n, described.total, described.total_of_squares)) as sd,  -- Standard deviation (n - 1).
    macro.published(described.median) as median,  -- Median per course.
    rounded.is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    rounded.suppression_reason  -- Why it is not shown.
from rounded
inner join ref.session_mix as named using (mix_id)
left join described using (mix_id, breakdown, level)
cross join quantile
where rounded.is_suppressed or rounded.courses > 0
order by all
