-- shard: form_number of clean.form
-- One row per form with items and criterion of its questionnaire that is more than a cut-off (ref.criterion): is it
-- met?
-- Each cluster needs a number of its items answered at or above a value; the criterion is met if all clusters are.
-- Empty where unanswered items could still decide it.
with
    clusters as (
        select questionnaire_id, criterion_id, cluster, needed, count(*) as items from ref.criterion group by all
    ),
    answered as (
        select
            answer.form_number,
            item.criterion_id,
            item.cluster,
            count(*) as answered,
            count(*) filter (where answer.answer >= item.at_least) as counted
        from clean.answer as answer
        inner join ref.criterion as item on answer.instrument_id = item.questionnaire_id and answer.item = item.item
        group by all
    ),
    judged_clusters as (
        select
            form.form_number,
            clusters.criterion_id,
            case
                when coalesce(answered.counted, 0) >= clusters.needed
                then true
                when coalesce(answered.counted, 0) + clusters.items - coalesce(answered.answered, 0) < clusters.needed
                then false
            end as is_met
        from core.form
        inner join clusters using (questionnaire_id)
        left join
            answered
            on form.form_number = answered.form_number
            and clusters.criterion_id = answered.criterion_id
            and clusters.cluster = answered.cluster
        where form.answers > 0
    )
select
    form_number,  -- Form (core.form).
    criterion_id,  -- Criterion.
    case when bool_or(not is_met) then false when count(is_met) = count(*) then true end as is_met  -- Whether it is.
from judged_clusters
group by all
