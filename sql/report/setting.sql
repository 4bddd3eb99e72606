-- What this release was asked: one row with its as-of date, the profile and window of its headline, and the rules of
-- courses, baselines and small counts.
-- A reader of the release needs no settings file to say what its figures mean.
select
    as_of,  -- Date that the figures stand for.
    profile_id,  -- Profile whose thresholds the headline uses.
    headline_window_id,  -- Window of the headline (published.window).
    setting.disclosure_rule,  -- Rule for small counts.
    disclosure.title as disclosure_title,  -- What it hides.
    disclosure.hide_to as hidden_up_to,  -- Largest count that is hidden; 0 where none is.
    disclosure.round_to as rounded_to,  -- Step to which counts are rounded.
    gap_days,  -- Days without a medicine session that begin a new course.
    induction_days,  -- Days after day 0 in which a session still counts as induction.
    baseline_from_days,  -- First day on which a score counts as baseline, in days before day 0 (negative).
    baseline_pick  -- Which of several scores before treatment is the baseline.
from ref.setting as setting
left join ref.disclosure as disclosure on disclosure.rule = setting.disclosure_rule
