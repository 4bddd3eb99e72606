-- Of those who began with severe depression, where did they end after a month?
-- One row per band in the window; shifts too rare to be shown stand together as (pooled) under no band, so the shares are of those told.
select from_band, to_band, went, courses, round(courses / sum(courses) over (), 3) as share_of_severe
from published.band_shift
where instrument_id = 'phq9' and window_id = 'd30' and breakdown = 'all' and from_band = 'severe'
order by to_ordinal
