-- kept as: view
-- One row per profile, measure with a response rule, and booster with a score before and after: whether the course
-- responded. Baselines that the rule can't be asked of are left out.
-- Undisclosed: other tallies read it, and nothing else.
select
    rule.profile_id,  -- Profile whose thresholds are used.
    pair.instrument_id,  -- Measure.
    pair.course_id,  -- Course.
    pair.number,  -- Place among the boosters of the course, from 1.
    macro.responds(
        pair.improvement_before, pair.baseline, rule.response_share, rule.response_points
    ) as responds_before,  -- Whether the score before it responds.
    macro.responds(pair.improvement_after, pair.baseline, rule.response_share, rule.response_points) as responds_after,  -- Whether the score after it responds.
    pair.score_after - pair.score_before as change  -- Score after minus score before, points.
from core.booster_score as pair
inner join ref.rule using (instrument_id)
inner join ref.scale using (instrument_id)
where
    coalesce(rule.response_share, rule.response_points) is not null
    and macro.no_response_from(pair.baseline, scale.sign, rule.response_points, rule.minimum_baseline) is null
