-- Each questionnaire that is known: what it is, how far it looks back, what its licence allows, who says so.
-- One row per questionnaire, whether anybody answered it or not.
-- A questionnaire whose review is overdue at the as-of date says so here: its facts may have been corrected meanwhile.
select
    instrument.questionnaire_id,  -- Questionnaire.
    instrument.title,  -- Its name.
    instrument.about,  -- What it asks, and what to know before reading its scores.
    instrument.direction,  -- Whether lower or higher scores are better; a scale of it may differ.
    instrument.items,  -- Answers that it has; empty where only totals are taken in.
    instrument.lookback_days,  -- Days that its questions look back; empty where it states none.
    instrument.about_lookback,  -- Why none, or what else is in print.
    instrument.licence,  -- What its owner says.
    instrument.allows,  -- Whether that allows to hold answers, or totals only.
    instrument.sources,  -- Where scoring and bands were seen.
    instrument.status,  -- Whether they were; the weaker of the two.
    instrument.reviewed_on,  -- When its facts were last held against their sources.
    instrument.review_due_on,  -- When they are to be looked at again.
    coalesce(instrument.review_due_on < setting.as_of, false) as is_review_overdue  -- Whether that day had passed at the as-of date.
from ref.instrument
cross join ref.setting
order by all
