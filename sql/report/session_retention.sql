-- How many courses came to their first, second, third ... medicine session of the induction: one row per group and
-- number.
-- Over the courses whose induction is over, so that nobody counts as lost who is still coming. No export says how many
-- sessions were planned; a short course may have been meant to be short.
-- A number is hidden where so few courses ended before it that they could be told apart; see release.session_count.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    shown as (
        select breakdown, level, split_part(sessions, '-', 1)::integer as session_number, courses, unit
        from release.session_count
        where not is_suppressed
    ),
    cumulated as (
        select
            breakdown,
            level,
            session_number,
            macro.rounded(sum(courses) over (partition by breakdown, level), unit) as courses,
            macro.rounded(
                sum(courses) over (partition by breakdown, level order by session_number desc), unit
            ) as reached,
            false as is_suppressed
        from shown
    ),
    unseen as (
        select breakdown, level, sessions::integer as session_number, is_suppressed, suppression_reason
        from release.session_count
        where is_suppressed
    ),
    hidden as (select * from unseen anti join shown using (breakdown, level, session_number)),
    rows as (
        from cumulated
        union all by name
        from hidden
    )
select
    breakdown,  -- By what the courses are grouped; all for the total.
    level,  -- Group; (pooled) for those too small to be shown by themselves.
    session_number,  -- Place of the session among the medicine sessions of the induction.
    courses,  -- Courses whose induction is over.
    reached,  -- Those that came to this session.
    macro.published(macro.share(reached, courses)) as retention_rate,  -- Reached / courses.
    macro.published(macro.wilson_low(reached, courses, z)) as retention_low,  -- Lower end of its Wilson 95 % interval.
    macro.published(macro.wilson_high(reached, courses, z)) as retention_high,  -- Upper end of its Wilson 95 % interval.
    is_suppressed,  -- Whether the number, or the group, is too small to be shown by itself; empty is not zero.
    suppression_reason  -- Why it is not shown.
from rows
cross join quantile
order by all
