-- shard: form_number of clean.form
-- One row per form and criterion of its questionnaire that is more than one cut-off: is it met?
-- Of a criterion over items (ref.criterion) each cluster needs a number of its items answered at or above a value; of
-- one over scores
-- (ref.criterion_score) each score needs to reach its line, which may be another for each sex. It is met if all parts
-- are.
-- Empty where what is unanswered could still decide it, where a score is missing, or where the line depends on a sex
-- that is not known.
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
    ),
    scores_of_criteria as (select distinct questionnaire_id, criterion_id, instrument_id from ref.criterion_score),
    scored as (
        select form_number, instrument_id, score from core.score semi join scores_of_criteria using (instrument_id)
    ),
    judged_scores as (
        select form.form_number, asked.criterion_id, scored.score >= line.at_least as is_met
        from core.form
        inner join scores_of_criteria as asked using (questionnaire_id)
        left join core.patient using (patient_id)
        left join scored on form.form_number = scored.form_number and asked.instrument_id = scored.instrument_id
        left join
            ref.criterion_score as line
            on asked.criterion_id = line.criterion_id
            and asked.instrument_id = line.instrument_id
            and coalesce(line.sex = patient.sex, line.sex is null)
    ),
    judged as (
        select *
        from judged_clusters
        union all
        select *
        from judged_scores
    )
select
    form_number,  -- Form (core.form).
    criterion_id,  -- Criterion.
    case when bool_or(not is_met) then false when count(is_met) = count(*) then true end as is_met  -- Whether it is.
from judged
group by all
