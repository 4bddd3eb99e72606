-- Each measure that a questionnaire gives: its total, or one of its scales. One row per measure, whether anybody
-- answered it or not. Facts of the questionnaire itself stand in published.instrument.
select
    instrument_id,  -- Measure.
    questionnaire_id,  -- Questionnaire that it belongs to.
    title,  -- Its name.
    direction,  -- Whether lower or higher scores are better.
    range_min,  -- Lowest possible score, points.
    range_max  -- Highest possible score, points.
from ref.scale
order by all
