-- Whether an improvement is a response: at least the points, or the share of the baseline, that the rule asks for.
-- Null where the improvement or the rule is missing.
create macro macro.responds(improvement, baseline, share, points) as improvement >= coalesce(points, share * baseline);

-- Why the response rule can't apply to a baseline; null where it can. A share of zero is nothing, points from zero are
-- something.
create macro macro.no_response_from(baseline, sign, points, minimum_baseline) as
    case when points is null and baseline <= 0 then 'baseline_zero' when sign * baseline < sign * minimum_baseline then 'below_minimum' end
