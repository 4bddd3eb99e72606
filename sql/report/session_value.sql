-- What was given, and how the session went: one row per value and group, over the doses of which it was recorded.
-- Caveat: means are over doses, so a patient with many doses weighs more.
with
    values_in_order as (
        select
            dose_value.*,
            sum(doses) over (partition by value_id, breakdown, level order by value) as up_to_here,
            sum(doses) over (partition by value_id, breakdown, level) as of_all
        from release.dose_value
    ),
    described as (
        select
            value_id,
            breakdown,
            level,
            sum(doses) as doses,
            sum(doses * value) as total,
            sum(doses * value * value) as total_of_squares,
            (
                min(value) filter (where 2 * up_to_here >= of_all) + min(value) filter (where 2 * up_to_here > of_all)
            )::double
            / 2 as median
        from values_in_order
        group by all
    )
select
    recorded.value_id,  -- Value.
    named.topic,  -- What it is about.
    named.title,  -- Name of the value.
    named.unit,  -- Its unit.
    recorded.breakdown,  -- By what the doses are grouped; all for the total.
    recorded.level,  -- Group; (pooled) for those too small to be shown by themselves.
    macro.rounded(recorded.patients_recorded, recorded.unit) as patients,  -- Patients with a dose of which it was recorded.
    macro.rounded(recorded.recorded, recorded.unit) as doses,  -- Doses of which it was recorded.
    macro.published(macro.share(described.total, described.doses)) as mean,  -- Mean over these doses.
    macro.published(macro.spread(described.doses, described.total, described.total_of_squares)) as sd,  -- Standard deviation (n - 1).
    macro.published(described.median) as median,  -- Median over these doses.
    recorded.is_suppressed,  -- Whether the group is too small to be shown by itself; its numbers are empty, which is not zero.
    recorded.suppression_reason  -- Why it is not shown.
from release.dose_recorded as recorded
inner join ref.dose_value as named using (value_id)
left join described using (value_id, breakdown, level)
where recorded.is_suppressed or recorded.patients > 0
order by all
