-- How old what is shown is: one row per table of figures.
-- Empty where nothing is hidden, or on a night without a release.
select
    table_name,  -- Table of figures (its tally).
    fresh,  -- Combinations of keys and breakdown that are shown as of this release.
    held,  -- Combinations that are shown as of an earlier one (published.held).
    oldest  -- As-of date of the oldest that is shown.
from meta.shown
order by all
