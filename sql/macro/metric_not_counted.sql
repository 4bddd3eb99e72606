-- Why a course is not in a metric's denominator, the first reason that holds; null where it is in it.
-- `exclusion` is the metric's own reason, null where the metric can apply to the baseline.
create macro macro.not_counted(is_due, baseline, exclusion, score) as
    case
        when not is_due then 'not_due'
        when baseline is null then 'no_baseline'
        when exclusion is not null then exclusion
        when score is null then 'no_follow_up'
    end
