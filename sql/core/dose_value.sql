-- kept as: view
-- One row per dose and value that was recorded of it; what is held against rules (ref.dose_rule) and described.
-- A value is told by its place in ref.dose_value, and its combinations of levels stand beside it: there are some twenty
-- values to a dose, so each number saves much.
with
    doses as materialized(
        select dose.*, stratum.course_stratum_id, stratum.dose_stratum_id
        from core.dose
        inner join core.dose_stratum as stratum using (session_id)
    ),
    dose_values as (
        select session_id, course_stratum_id, dose_stratum_id, 1 as place, dose_mg::decimal(18, 6) as value
        from doses
        where dose_mg is not null
        union all
        select session_id, course_stratum_id, dose_stratum_id, 2 as place, dose_mg_per_kg::decimal(18, 6) as value
        from doses
        where dose_mg_per_kg is not null
        union all
        select session_id, course_stratum_id, dose_stratum_id, 3 as place, mg_in_12_months::decimal(18, 6) as value
        from doses
        where mg_in_12_months is not null
        union all
        select session_id, course_stratum_id, dose_stratum_id, 4 as place, doses_in_12_months::decimal(18, 6) as value
        from doses
        where doses_in_12_months is not null
        union all
        select session_id, course_stratum_id, dose_stratum_id, 5 as place, gap_days::decimal(18, 6) as value
        from doses
        where gap_days is not null
        union all
        select session_id, course_stratum_id, dose_stratum_id, 6 as place, duration_min::decimal(18, 6) as value
        from doses
        where duration_min is not null
        union all
        select session_id, course_stratum_id, dose_stratum_id, 7 as place, monitored_min::decimal(18, 6) as value
        from doses
        where monitored_min is not null
        union all
        select session_id, course_stratum_id, dose_stratum_id, 8 as place, was_given_in_full::decimal(18, 6) as value
        from doses
        where was_given_in_full is not null
        union all
        select
            session_id, course_stratum_id, dose_stratum_id, 9 as place, dissociation_onset_min::decimal(18, 6) as value
        from doses
        where dissociation_onset_min is not null
        union all
        select
            session_id, course_stratum_id, dose_stratum_id, 10 as place, dissociation_peak_min::decimal(18, 6) as value
        from doses
        where dissociation_peak_min is not null
        union all
        select
            session_id,
            course_stratum_id,
            dose_stratum_id,
            11 as place,
            dissociation_resolved_min::decimal(18, 6) as value
        from doses
        where dissociation_resolved_min is not null
        union all
        select session_id, course_stratum_id, dose_stratum_id, 12 as place, ready_to_leave_min::decimal(18, 6) as value
        from doses
        where ready_to_leave_min is not null
        union all
        select
            session_id,
            course_stratum_id,
            dose_stratum_id,
            13 as place,
            resolved_after_leaving_min::decimal(18, 6) as value
        from doses
        where resolved_after_leaving_min is not null
        union all
        select session_id, course_stratum_id, dose_stratum_id, 14 as place, cadss_total::decimal(18, 6) as value
        from doses
        where cadss_total is not null
        union all
        select session_id, course_stratum_id, dose_stratum_id, 15 as place, cadss6_total::decimal(18, 6) as value
        from doses
        where cadss6_total is not null
        union all
        select session_id, course_stratum_id, dose_stratum_id, 16 as place, meq30_total::decimal(18, 6) as value
        from doses
        where meq30_total is not null
        union all
        select session_id, course_stratum_id, dose_stratum_id, 17 as place, sbp_peak_mmhg::decimal(18, 6) as value
        from doses
        where sbp_peak_mmhg is not null
        union all
        select session_id, course_stratum_id, dose_stratum_id, 18 as place, dbp_peak_mmhg::decimal(18, 6) as value
        from doses
        where dbp_peak_mmhg is not null
        union all
        select session_id, course_stratum_id, dose_stratum_id, 19 as place, hr_peak_bpm::decimal(18, 6) as value
        from doses
        where hr_peak_bpm is not null
        union all
        select session_id, course_stratum_id, dose_stratum_id, 20 as place, sbp_rise_mmhg::decimal(18, 6) as value
        from doses
        where sbp_rise_mmhg is not null
        union all
        select session_id, course_stratum_id, dose_stratum_id, 21 as place, dbp_rise_mmhg::decimal(18, 6) as value
        from doses
        where dbp_rise_mmhg is not null
        union all
        select session_id, course_stratum_id, dose_stratum_id, 22 as place, hr_rise_bpm::decimal(18, 6) as value
        from doses
        where hr_rise_bpm is not null
        union all
        select session_id, course_stratum_id, dose_stratum_id, 23 as place, spo2_min_pct::decimal(18, 6) as value
        from doses
        where spo2_min_pct is not null
        union all
        select
            session_id, course_stratum_id, dose_stratum_id, 24 as place, hours_to_integration::decimal(18, 6) as value
        from doses
        where hours_to_integration is not null
    )
select
    session_id,  -- Dose (core.dose).
    course_stratum_id,  -- Combination of course levels of the dose (core.dose_stratum).
    dose_stratum_id,  -- Combination of dose levels.
    place,  -- Value: its ordinal in ref.dose_value, which says what it is, and its unit.
    value  -- The value, in its unit.
from dose_values
