-- What is shown as it was released before, since tonight's numbers would tell too much beside it: one row per table,
-- breakdown and keys.
-- A later release prints them again once enough people have come: as many as the rule asks for, neither all nor none of
-- them with the outcome, in every group of the breakdown.
select
    table_name,  -- Table of figures (its tally) that is held.
    breakdown,  -- Breakdown that is held.
    keys,  -- What the figures are about: profile, metric, measure and window, as far as the table has them.
    because,  -- few: too few people came or went; alike: all or none of them had the outcome; waits: some changed, and too few came with them; crosses: another breakdown cuts nearly the same people; blocked: held with the table it belongs to; absent: not computed tonight.
    shown_as_of  -- As-of date of the numbers that are shown; empty where they were never released, and are hidden.
from meta.held
order by all
