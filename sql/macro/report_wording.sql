-- How thresholds are printed in sentences.
-- A number without trailing zeros: 5, 7.5.
create macro macro.plain(x) as rtrim(rtrim(x::decimal(30, 6)::varchar, '0'), '.');

-- A side and its cut: "below 5", "at least 10".
create macro macro.threshold(side, cut) as replace(side, '_', ' ') || ' ' || macro.plain(cut);

-- The sentence with `slot` filled in; null where the sentence needs a value that the rule does not have.
create macro macro.filled(sentence, slot, value) as
    case when contains(sentence, slot) then replace(sentence, slot, value) else sentence end;

-- The template with each of `slots` filled in, a list of {slot, value}; null where it needs a value that is missing.
create macro macro.told(template, slots) as
    list_reduce(
        list_prepend({'slot':'', 'value':template}, slots),
        lambda said, next : {'slot':'', 'value':macro.filled(said.value, next.slot, next.value)}
    ).value;

-- What to mind where a measure asks about more days than lie between a window's anchor and its target: a score in it is
-- in part about the days before the anchor. Null where it does not, or where either number of days is unknown.
create macro macro.caution(lookback_days, target_days, anchor) as
    case
        when lookback_days > target_days
        then
            'The questions are about the last '
            || macro.plain(lookback_days)
            || ' days; a score '
            || macro.plain(target_days)
            || case when target_days = 1 then ' day after ' else ' days after ' end
            || case anchor when 'day_0' then 'the first dose' else 'the last dose of the induction' end
            || ' is in part about the days before it'
    end
