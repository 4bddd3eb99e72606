-- shard: patient_id
-- One row per form and measure: the score and where it came from, or why there is none.
-- A measure is a questionnaire's total (phq9) or one of its scales (pcl5.b). Items count first: reversed items are
-- turned, blanks are
-- borne and replaced as the questionnaire's file says (ref.scale, ref.scale_item). A scale that is the highest level
-- answered yes has a
-- score unless an unanswered item could still raise it; items that are not asked after a no count as no. Where items
-- give no score, the
-- reported total is taken.
-- A reported total that differs from the scored items by more than ref.scoring.total_tolerance contradicts them; the
-- items are believed.
-- Of several forms of one patient and measure on one day the scored one counts, then the one with more answers, then
-- the later one; the
-- others are set aside. Forms before and after that day's medicine session are two measurements, not a repetition.
-- The item about suicidal thoughts (ref.item_flag) is looked at beside the total of its questionnaire.
with
    scales as (
        select scale.*, items.domains
        from ref.scale
        left join
            (select instrument_id, count(distinct domain) as domains from ref.scale_item group by all) as items using (
                instrument_id
            )
    ),
    items as (
        select
            item.*,
            case when macro.pack_of(item.item) = 0 then macro.place_of(item.item) end as place_1_15,
            case when macro.pack_of(item.item) = 1 then macro.place_of(item.item) end as place_16_30,
            flag.at_least as flagged_from,
            scales.how
        from ref.scale_item as item
        inner join scales using (instrument_id)
        left join
            ref.item_flag as flag
            on item.instrument_id = flag.instrument_id
            and item.item = flag.item
            and flag.flag_id = 'suicidality'
    ),
    items_of_levels as (
        select *, 1::bigint << item as mark, 1::bigint << asked_after as mark_of_gate from items where how = 'highest'
    ),
    answered_levels as (
        select
            answer.form_number,
            answer.instrument_id as questionnaire_id,
            bit_or(1::bigint << answer.item) as answered,
            coalesce(bit_or(1::bigint << answer.item) filter (where answer.answer > 0), 0) as affirmed
        from clean.answer as answer
        semi join items_of_levels as level on answer.instrument_id = level.questionnaire_id
        group by all
    ),
    highest_levels as (
        select
            form.form_number,
            item.instrument_id,
            count(*) filter (where form.answered & item.mark > 0) as answered,
            coalesce(max(item.slope) filter (where form.affirmed & item.mark > 0), 0) as level,
            max(item.slope) filter (
                where
                    form.answered & item.mark = 0
                    and not coalesce((form.answered & ~ form.affirmed) & item.mark_of_gate > 0, false)
            ) as open_level,
            bool_or(form.affirmed & item.mark > 0 and item.flagged_from = 1) filter (
                where form.answered & item.mark > 0 and item.flagged_from is not null
            ) as suicidality,
            bit_or(macro.packed((form.affirmed & item.mark > 0)::integer, item.place_1_15)) filter (
                where form.answered & item.mark > 0
            ) as answers_1_15,
            bit_or(macro.packed((form.affirmed & item.mark > 0)::integer, item.place_16_30)) filter (
                where form.answered & item.mark > 0
            ) as answers_16_30
        from answered_levels as form
        inner join items_of_levels as item using (questionnaire_id)
        group by all
    ),
    items_of_maxima as (select * from items where how = 'maxima'),
    items_of_sums as (select * from items where how in ('sum', 'mean')),
    highest_of_domains as (
        select
            answer.form_number,
            item.instrument_id,
            item.domain,
            max(item."offset" + item.slope * answer.answer) as points,
            bool_or(answer.answer >= item.flagged_from) as suicidality,
            bit_or(macro.packed(answer.answer, item.place_1_15)) as answers_1_15,
            bit_or(macro.packed(answer.answer, item.place_16_30)) as answers_16_30
        from clean.answer as answer
        inner join items_of_maxima as item on answer.instrument_id = item.questionnaire_id and answer.item = item.item
        group by all
    ),
    sums as (
        select
            answer.form_number,
            item.instrument_id,
            count(*) as answered,
            sum(item."offset" + item.slope * answer.answer) as points,
            bool_or(answer.answer >= item.flagged_from) as suicidality,
            bit_or(macro.packed(answer.answer, item.place_1_15)) as answers_1_15,
            bit_or(macro.packed(answer.answer, item.place_16_30)) as answers_16_30
        from clean.answer as answer
        inner join items_of_sums as item on answer.instrument_id = item.questionnaire_id and answer.item = item.item
        group by all
        union all
        select
            form_number,
            instrument_id,
            count(*) as answered,
            sum(points) as points,
            bool_or(suicidality) as suicidality,
            bit_or(answers_1_15) as answers_1_15,
            bit_or(answers_16_30) as answers_16_30
        from highest_of_domains
        group by all
    ),
    item_scores as (
        select
            sums.form_number,
            sums.instrument_id,
            sums.answered,
            sums.suicidality,
            sums.answers_1_15::bigint as answers_1_15,
            sums.answers_16_30::bigint as answers_16_30,
            case
                when scales.domains - sums.answered > scales.missing_allowed
                then null
                when scales.how = 'mean'
                then sums.points * scales.factor / (sums.answered * coalesce(scales.divisor, 1))
                when scales.missing_fill = 'mean' and sums.answered < scales.domains
                then sums.points * scales.factor * scales.domains / sums.answered
                else sums.points * scales.factor
            end::decimal(18, 6) as score
        from sums
        inner join scales using (instrument_id)
        union all
        select
            form_number,
            instrument_id,
            answered,
            suicidality,
            answers_1_15::bigint,
            answers_16_30::bigint,
            case when coalesce(open_level, 0) <= level then level end as score
        from highest_levels
    ),
    first_treatments_of_day as (
        select patient_id, started_on, min(started_at) as started_at from core.session where is_treatment group by all
    ),
    forms as (
        select form.*, coalesce(form.answered_at > treatment.started_at, false) as is_after_treatment
        from core.form
        left join
            first_treatments_of_day as treatment
            on form.patient_id = treatment.patient_id
            and form.answered_on = treatment.started_on
    ),
    scored_forms as (
        select
            form.form_number,
            form.patient_id,
            form.questionnaire_id,
            scales.instrument_id,
            form.answered_at,
            form.answered_on,
            form.is_after_treatment,
            form.answers,
            coalesce(items.answered, 0) as answered,
            items.score as item_score,
            items.suicidality,
            items.answers_1_15,
            items.answers_16_30,
            case when scales.scale_id = form.scale_id then form.reported_total end as reported_total
        from forms as form
        inner join scales on form.questionnaire_id = scales.questionnaire_id
        left join
            item_scores as items on form.form_number = items.form_number and scales.instrument_id = items.instrument_id
        where scales.scale_id = form.scale_id or (form.answers > 0 and not scales.totals_only)
    ),
    crowded_days as (select patient_id, answered_on, instrument_id from scored_forms group by all having count(*) > 1),
    set_aside as (
        select form_number, instrument_id
        from scored_forms
        semi join crowded_days using (patient_id, answered_on, instrument_id)
        qualify
            row_number() over (
                partition by patient_id, instrument_id, answered_on, is_after_treatment
                order by
                    item_score is null and reported_total is null,
                    answered desc,
                    answered_at desc nulls last,
                    form_number desc
            )
            > 1
    )
select
    form.form_number,  -- Form (core.form).
    form.patient_id,  -- Pseudonym of the patient.
    form.questionnaire_id,  -- Questionnaire.
    form.instrument_id,  -- Measure: the questionnaire's total, or one of its scales.
    form.answered_at,  -- When the form was filled in, UTC; empty where the export gives only a date.
    form.answered_on,  -- Calendar date of the answer at the site.
    form.is_after_treatment,  -- Whether it was filled in after a medicine session of the same day began.
    coalesce(form.item_score, form.reported_total) as score,  -- Score; empty where there is none.
    case when form.item_score is not null then 'items' when form.reported_total is not null then 'total' end as source,  -- What it was made from.
    case
        when coalesce(form.item_score, form.reported_total) is not null
        then null
        when form.answers > 0
        then 'items_missing'
        else 'no_answers'
    end as reason,  -- Why there is no score (ref.reason); empty where there is one.
    form.reported_total,  -- Total of this measure as the export reports it.
    coalesce(abs(form.item_score - form.reported_total) > scoring.total_tolerance, false) as contradicts,  -- Whether the total differs.
    form.answered::integer as items_answered,  -- Answered items of the measure; answered domains, where items share one.
    form.answers_1_15,  -- Answers to items 1 to 15, packed (macro.unpacked); empty where none was answered.
    form.answers_16_30,  -- Answers to items 16 to 30, packed; items beyond are not followed one by one.
    form.suicidality,  -- Whether the item about suicidal thoughts is answered at or above its flag; empty where it has no answer.
    set_aside.form_number is not null as is_set_aside  -- Whether another form of the same day counts instead.
from scored_forms as form
cross join ref.scoring
left join set_aside on form.form_number = set_aside.form_number and form.instrument_id = set_aside.instrument_id
