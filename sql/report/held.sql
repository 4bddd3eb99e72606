-- What is shown as it was released before, since tonight's numbers would tell too much beside it: one row per table,
-- breakdown and keys.
-- A later release prints them again once enough people have come: as many as the rule asks for, neither all nor none of
-- them with the outcome, in every group of the breakdown.
select
    held.table_name,  -- Table of figures (its tally) that is held.
    held.breakdown,  -- Breakdown that is held.
    held.keys,  -- What the figures are about: profile, metric, measure and window, as far as the table has them.
    held.because,  -- Why, in a word.
    why.text,  -- Why, in a sentence.
    held.shown_as_of  -- As-of date of the numbers that are shown; empty where they were never released, and are hidden.
from meta.held
left join ref.held_because as why on held.because = why.because
order by all
