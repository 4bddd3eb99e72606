-- The headline by the month in which courses began: in the report's headline window and by the thresholds of its
-- profile, how many courses of each measure are enrolled, have both scores, respond and remit, and the sum of their
-- changes.
-- All figures of a measure stand in one row, so that their months are merged alike and no figure can be taken from
-- another's to leave a month that is too small.
-- Undisclosed: only report reads it, and only through release.course_month.
with
    outcomes as (
        select
            outcome.course_id,
            outcome.instrument_id,
            count(outcome.baseline + outcome.score) as measured,
            sum(outcome.score - outcome.baseline) as change
        from core.counted as outcome
        inner join ref.setting on outcome.window_id = setting.headline_window_id
        where outcome.is_due
        group by all
    ),
    verdicts as (
        select
            judgement.course_id,
            judgement.instrument_id,
            count(*) filter (where metric_id = 'response' and denominator) as response_of,
            count(*) filter (where metric_id = 'response' and numerator) as responded,
            count(*) filter (where metric_id = 'remission' and denominator) as remission_of,
            count(*) filter (where metric_id = 'remission' and numerator) as remitted
        from core.judgement as judgement
        inner join
            ref.setting
            on judgement.profile_id = setting.profile_id
            and judgement.window_id = setting.headline_window_id
        where judgement.metric_id in ('response', 'remission')
        group by all
    )
select
    outcomes.instrument_id,  -- Measure.
    'all' as breakdown,  -- Everybody.
    'all' as level,  -- Everybody.
    strftime(course.day_0, '%Y-%m') as month,  -- Month of day 0.
    count(*)::bigint as enrolled,  -- Courses of whom the measure is expected and whose window has passed.
    sum(outcomes.measured)::bigint as measured,  -- Of these, courses with both scores.
    sum(outcomes.change) as sum_change,  -- Sum of their changes, follow-up minus baseline; empty where there are none.
    coalesce(sum(verdicts.response_of), 0)::bigint as response_of,  -- Courses the response rate is over.
    coalesce(sum(verdicts.responded), 0)::bigint as responded,  -- Of these, courses that respond.
    coalesce(sum(verdicts.remission_of), 0)::bigint as remission_of,  -- Courses the remission rate is over.
    coalesce(sum(verdicts.remitted), 0)::bigint as remitted  -- Of these, courses that remit.
from outcomes
inner join core.course using (course_id)
left join verdicts using (course_id, instrument_id)
group by all
