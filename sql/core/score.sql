-- One row per form and measure: the score and where it came from, or why there is none.
-- A measure is a questionnaire's total (phq9) or one of its scales (pcl5.b). Items count first: reversed items are
-- turned, blanks are
-- borne and replaced as the questionnaire's file says (ref.scale, ref.scale_item). Where items give no score, the
-- reported total is taken.
-- A reported total that differs from the scored items by more than ref.scoring.total_tolerance contradicts them; the
-- items are believed.
-- Of several forms of one patient and measure on one day the scored one counts, then the one with more answers, then
-- the later one; the
-- others are set aside. Forms before and after that day's medicine session are two measurements, not a repetition.
with
    shared_domains as (select instrument_id, domain from ref.scale_item group by all having count(*) > 1),
    single_items as (
        select item.questionnaire_id, item.item, item.instrument_id, item.slope, item."offset"
        from ref.scale_item as item
        anti join shared_domains using (instrument_id, domain)
    ),
    items_in_domains as (
        select item.questionnaire_id, item.item, item.instrument_id, item.domain, item.slope, item."offset"
        from ref.scale_item as item
        semi join shared_domains using (instrument_id, domain)
    ),
    highest_of_domains as (
        select
            answer.form_number,
            item.instrument_id,
            item.domain,
            max(item."offset" + item.slope * answer.answer) as points
        from clean.answer as answer
        inner join items_in_domains as item on answer.instrument_id = item.questionnaire_id and answer.item = item.item
        group by all
    ),
    sums as (
        select
            answer.form_number,
            item.instrument_id,
            count(*) as answered,
            sum(item."offset" + item.slope * answer.answer) as points
        from clean.answer as answer
        inner join single_items as item on answer.instrument_id = item.questionnaire_id and answer.item = item.item
        group by all
        union all
        select form_number, instrument_id, count(*) as answered, sum(points) as points
        from highest_of_domains
        group by all
    ),
    sums_by_form as (
        select form_number, instrument_id, answered, points
        from sums
        anti join shared_domains using (instrument_id)
        union all
        select form_number, instrument_id, sum(answered) as answered, sum(points) as points
        from sums
        semi join shared_domains using (instrument_id)
        group by all
    ),
    scales as (
        select scale.*, domains.domains
        from ref.scale
        left join
            (select instrument_id, count(distinct domain) as domains from ref.scale_item group by all) as domains
            using (instrument_id)
    ),
    item_scores as (
        select
            sums_by_form.form_number,
            sums_by_form.instrument_id,
            sums_by_form.answered,
            case
                when scales.domains - sums_by_form.answered > scales.missing_allowed
                then null
                when scales.how = 'mean'
                then sums_by_form.points * scales.factor / sums_by_form.answered
                when scales.missing_fill = 'mean' and sums_by_form.answered < scales.domains
                then sums_by_form.points * scales.factor * scales.domains / sums_by_form.answered
                else sums_by_form.points * scales.factor
            end::decimal(18, 6) as score
        from sums_by_form
        inner join scales using (instrument_id)
    ),
    first_treatments_of_day as (
        select patient_id, started_on, min(started_at) as started_at from core.session where is_treatment group by all
    ),
    measures_of_forms as (
        select
            form.form_id,
            form.form_number,
            form.patient_id,
            form.questionnaire_id,
            scale.instrument_id,
            form.answered_at,
            form.answered_on,
            coalesce(form.answered_at > treatment.started_at, false) as is_after_treatment,
            coalesce(form.answers, 0) as answers,
            case when scale.scale_id = form.scale_id then form.reported_total end as reported_total
        from core.form
        inner join ref.scale on form.questionnaire_id = scale.questionnaire_id
        left join
            first_treatments_of_day as treatment
            on form.patient_id = treatment.patient_id
            and form.answered_on = treatment.started_on
        where scale.scale_id = form.scale_id or (form.answers > 0 and not scale.totals_only)
    ),
    scored_forms as (
        select
            form.*,
            coalesce(items.answered, 0) as answered,
            items.score as item_score,
            coalesce(items.score, form.reported_total) as score
        from measures_of_forms as form
        left join
            item_scores as items on form.form_number = items.form_number and form.instrument_id = items.instrument_id
    )
select
    form.form_id,  -- Identifier of the form.
    form.patient_id,  -- Pseudonym of the patient.
    form.questionnaire_id,  -- Questionnaire.
    form.instrument_id,  -- Measure: the questionnaire's total, or one of its scales.
    form.answered_at,  -- When the form was filled in, UTC; empty where the export gives only a date.
    form.answered_on,  -- Calendar date of the answer at the site.
    form.is_after_treatment,  -- Whether it was filled in after the start of a medicine session on the same day.
    form.score,  -- Score; empty where there is none.
    case when form.item_score is not null then 'items' when form.reported_total is not null then 'total' end as source,  -- Whether the score was made from items or is the reported total.
    case
        when form.score is not null then null when form.answers > 0 then 'items_missing' else 'no_answers'
    end as reason,  -- Why there is no score (ref.reason); empty where there is one.
    form.reported_total,  -- Total of this measure as the export reports it.
    coalesce(abs(form.item_score - form.reported_total) > scoring.total_tolerance, false) as contradicts,  -- Whether the reported total differs from the scored items.
    form.answered::integer as items_answered,  -- Answered items of the measure (domains, where several items share one).
    row_number() over (
        partition by form.patient_id, form.instrument_id, form.answered_on, form.is_after_treatment
        order by form.score is null, form.answered desc, form.answered_at desc nulls last, form.form_id desc
    )
    > 1 as is_set_aside  -- Whether another form of the same day counts instead.
from scored_forms as form
cross join ref.scoring
