-- One row per form and criterion of its questionnaire that is more than a cut-off of the total (ref.criterion):
-- whether it is met.
-- Each cluster needs a number of its items answered at or above a value; the criterion is met if all clusters are.
-- Empty where unanswered items could still decide it.
with
    judged_items as (
        select
            form.form_id,
            form.patient_id,
            form.questionnaire_id,
            form.answered_on,
            criterion.criterion_id,
            criterion.cluster,
            criterion.needed,
            answer.answer is null as is_blank,
            coalesce(answer.answer >= criterion.at_least, false) as is_counted
        from core.form
        inner join ref.criterion using (questionnaire_id)
        left join clean.answer as answer on form.form_number = answer.form_number and criterion.item = answer.item
        where form.answers > 0
    ),
    judged_clusters as (
        select
            form_id,
            patient_id,
            questionnaire_id,
            answered_on,
            criterion_id,
            case
                when count(*) filter (where is_counted) >= needed
                then true
                when count(*) filter (where is_counted or is_blank) < needed
                then false
            end as is_met
        from judged_items
        group by form_id, patient_id, questionnaire_id, answered_on, criterion_id, cluster, needed
    )
select
    form_id,  -- Identifier of the form.
    patient_id,  -- Pseudonym of the patient.
    questionnaire_id,  -- Questionnaire.
    answered_on,  -- Calendar date of the answer at the site.
    criterion_id,  -- Criterion.
    case when bool_or(not is_met) then false when count(is_met) = count(*) then true end as is_met  -- Whether every cluster is met; empty where blanks leave it open.
from judged_clusters
group by all
