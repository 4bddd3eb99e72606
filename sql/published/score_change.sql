-- Scores before and after of one measure: one row per window and group of one breakdown, by default the total, over the
-- courses that have both scores; coverage is these among the enrolled.
-- Example: from published.score_change('phq9', by := 'site')
create macro published.score_change(instrument, by := 'all') as table
    select
        s.window_id,
        s.level,
        r.enrolled,
        s.n,
        round(r.with_both / nullif(r.enrolled, 0), 6) as coverage,
        s.mean_baseline,
        s.mean_score,
        s.mean_change,
        s.change_low,
        s.change_high,
        s.effect_size,
        s.effect_low,
        s.effect_high,
        case when s.is_suppressed then 'hidden: ' || s.suppression_reason when s.n = 0 then 'nobody measured' else 'value' end as state
    from published.score_summary as s
    left join published.retention as r using (instrument_id, window_id, breakdown, level)
    left join published.window as w using (window_id)
    where s.instrument_id = instrument and s.breakdown = "by"
    order by w.ordinal, s.level
