-- What scores would have done without treatment, by regression to the mean alone, beside what they did: one row per
-- measure, window and group that is shown by itself, where the export has scores before the baseline. Estimated from
-- the clinic's own repeat measurements: r is the correlation of a course's first and last score in the days of the
-- baseline, the mean is that of all these scores. Somebody whose k scores before treatment are off the mean is expected
-- to be off by k r / (1 + (k - 1) r) of that at the next score (Barnett, van der Pols and Dobson 2005; ref.repeat).
-- A baseline that is the worst of several scores regresses; one that is simply the last one hardly does.
-- Caveat: an estimate, not a control group. It knows nothing of healing by time, and its interval only that r is
-- uncertain. Patients who had to be ill enough to be taken in have less spread, and so a smaller r.
with
    quantile as (select quantile_e15 / 1e15::double as z from ref.normal where probability = 0.975),
    repeated as (
        select
            release.instrument_id,
            release.breakdown,
            release.level,
            macro.rounded(release.pairs, release.unit) as pairs,
            macro.share(release.sum_scores, release.scores) as population_mean,
            macro.correlation(
                release.pairs,
                release.sum_first,
                release.sum_last,
                release.sum_first_squared,
                release.sum_last_squared,
                release.sum_product
            ) as r
        from release.repeat as release
        cross join ref.repeat as rule
        where not release.is_suppressed and release.pairs >= rule.minimum_pairs and release.level <> '(pooled)'
    ),
    measured as (
        select
            score.instrument_id,
            score.window_id,
            score.breakdown,
            score.level,
            macro.rounded(score.n, score.unit) as n,
            macro.share(score.sum_baseline, score.n) as mean_baseline,
            macro.share(score.sum_change, score.n) as mean_change
        from release.score
        anti join (select window_id from ref.window where baseline_pick is not null) as own using (window_id)
        where not score.is_suppressed and score.n > 0 and score.level <> '(pooled)'
    ),
    at_correlations as (
        select *, r as at_r, 'estimate' as which
        from repeated
        union all by name
        select *, macro.correlation_low(r, pairs, z) as at_r, 'low' as which
        from repeated
        cross join quantile
        union all by name
        select *, macro.correlation_high(r, pairs, z) as at_r, 'high' as which
        from repeated
        cross join quantile
    ),
    expected as (
        select
            repeated.instrument_id,
            candidate.window_id,
            repeated.breakdown,
            repeated.level,
            repeated.which,
            sum(
                candidate.n * repeated.population_mean
                + macro.kept_share(repeated.at_r, candidate.candidates)
                * (candidate.sum_candidates / candidate.candidates::double - candidate.n * repeated.population_mean)
                - candidate.sum_baseline
                order by candidate.candidates
            )
            / sum(candidate.n) as change
        from at_correlations as repeated
        inner join release.score_repeat as candidate using (instrument_id, breakdown, level)
        group by all
    ),
    changes as (
        select
            instrument_id,
            window_id,
            breakdown,
            level,
            min(change) filter (where which = 'estimate') as expected,
            min(change) filter (where which <> 'estimate') as expected_low,
            max(change) filter (where which <> 'estimate') as expected_high
        from expected
        group by all
    ),
    ends as (
        select *
        from measured
        inner join repeated using (instrument_id, breakdown, level)
        inner join changes using (instrument_id, window_id, breakdown, level)
    )
select
    ends.instrument_id,  -- Measure.
    ends.window_id,  -- Window of the follow-up score.
    ends.breakdown,  -- By what the courses are grouped; all for the total.
    ends.level,  -- Group.
    ends.n,  -- Courses with a baseline and a score in the window.
    macro.published(ends.mean_baseline) as mean_baseline,  -- Mean baseline of these, points.
    macro.published(ends.mean_change) as mean_change,  -- Mean of follow-up minus baseline that was observed, points.
    ends.pairs,  -- Courses of the group with two scores or more before treatment.
    macro.published(ends.r) as r,  -- Correlation of the first and the last of them.
    macro.published(macro.correlation_low(ends.r, ends.pairs, z)) as r_low,  -- Lower end of its 95 % interval.
    macro.published(macro.correlation_high(ends.r, ends.pairs, z)) as r_high,  -- Upper end of its 95 % interval.
    macro.published(ends.population_mean) as population_mean,  -- Mean of all their scores before treatment, points.
    macro.published(ends.expected) as expected_change,  -- Change that is expected without treatment, points; estimated.
    macro.published(ends.expected_low) as expected_low,  -- Lower end of its interval, from that of r.
    macro.published(ends.expected_high) as expected_high,  -- Upper end of its interval, from that of r.
    macro.published(ends.mean_change - ends.expected) as change_beyond,  -- Observed minus expected change, points.
    rule.estimate,  -- How the expected change came about.
    rule.source,  -- Where the formula comes from.
    rule.status  -- Whether that source was seen.
from ends
cross join quantile
cross join ref.repeat as rule
where ends.r is not null
order by all
