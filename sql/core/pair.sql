-- One row per profile with a pair of measures, course and window: both measures together, each by its own rule.
-- The partner is the measure of the course's indication, and the fallback where that has not both scores (ref.pair);
-- where
-- neither has, the one that has a baseline.
-- A course has finished if it has ended, which makes its window due, and had enough treatment contacts.
-- A reliable change for the better counts only where the other measure has none for the worse, and the other way round.
-- Source: Clark 2018, PMC5942544, table T2, for the pairs; BMC Psychiatry 2018 s12888-018-1987-1, table 1.
with
    candidates as (
        select
            pair.profile_id,
            main.course_id,
            main.instrument_id,
            main.window_id,
            pair.partner_id,
            pair.indication is null as is_fallback,
            pair.contacts as contacts_needed,
            main.is_due,
            main.baseline,
            main.score,
            main.improvement,
            partner.baseline as partner_baseline,
            partner.score as partner_score,
            partner.improvement as partner_improvement,
            row_number() over (
                partition by pair.profile_id, main.course_id, main.instrument_id, main.window_id
                order by
                    partner.baseline is not null and partner.score is not null desc,
                    partner.baseline is not null desc,
                    pair.ordinal
            ) as place
        from core.outcome as main
        inner join ref.pair on main.instrument_id = pair.instrument_id and main.window_id = pair.window_id
        inner join core.course using (course_id)
        left join
            core.outcome as partner
            on main.course_id = partner.course_id
            and main.window_id = partner.window_id
            and pair.partner_id = partner.instrument_id
        where pair.indication is null or pair.indication = course.indication
    ),
    judged as (
        select
            pair.*,
            coalesce(contact.contacts, 0) as contacts,
            macro.meets(pair.baseline, rule.caseness_side, rule.caseness_cut)
            or macro.meets(pair.partner_baseline, partner_rule.caseness_side, partner_rule.caseness_cut) as was_case,
            macro.meets(pair.score, rule.caseness_side, rule.caseness_cut)
            or macro.meets(pair.partner_score, partner_rule.caseness_side, partner_rule.caseness_cut) as is_case,
            pair.improvement >= rule.reliable_change
            or pair.partner_improvement >= partner_rule.reliable_change as is_better,
            pair.improvement <= - rule.reliable_change
            or pair.partner_improvement <= - partner_rule.reliable_change as is_worse
        from candidates as pair
        inner join ref.rule on pair.profile_id = rule.profile_id and pair.instrument_id = rule.instrument_id
        inner join
            ref.rule as partner_rule
            on pair.profile_id = partner_rule.profile_id
            and pair.partner_id = partner_rule.instrument_id
        left join core.contact using (course_id)
        where pair.place = 1
    )
select
    profile_id,  -- Profile whose pair it is.
    course_id,  -- Course.
    instrument_id,  -- The measure that is paired.
    window_id,  -- Window of the pair.
    partner_id,  -- The measure beside it.
    is_fallback,  -- Whether that is the fallback.
    contacts,  -- Attended treatment contacts.
    baseline,  -- Score before treatment.
    score,  -- Score in the window.
    partner_baseline,  -- Score of the partner before treatment.
    partner_score,  -- Score of the partner in the window.
    was_case,  -- Whether either measure was a case before treatment.
    is_case,  -- Whether either is one in the window.
    is_better and not is_worse as has_improved,  -- Whether one changed reliably for the better, and none for the worse.
    is_worse and not is_better as has_deteriorated,  -- Whether one changed reliably for the worse, and none for the better.
    case
        when is_due and contacts < contacts_needed
        then 'few_contacts'
        else
            macro.not_counted(
                is_due,
                case when partner_baseline is not null then baseline end,
                null,
                case when partner_score is not null then score end
            )
    end as reason  -- Why nothing can be said of the pair; empty where it can.
from judged
