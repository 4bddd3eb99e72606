-- kept as: view
-- One row per dose and value that was recorded of it; what is held against rules (ref.dose_rule) and described.
with
    dose_values as (
        select session_id, 'dose_mg' as value_id, dose_mg::decimal(18, 6) as value
        from core.dose
        where dose_mg is not null
        union all
        select session_id, 'dose_mg_per_kg' as value_id, dose_mg_per_kg::decimal(18, 6) as value
        from core.dose
        where dose_mg_per_kg is not null
        union all
        select session_id, 'mg_in_12_months' as value_id, mg_in_12_months::decimal(18, 6) as value
        from core.dose
        where mg_in_12_months is not null
        union all
        select session_id, 'doses_in_12_months' as value_id, doses_in_12_months::decimal(18, 6) as value
        from core.dose
        where doses_in_12_months is not null
        union all
        select session_id, 'gap_days' as value_id, gap_days::decimal(18, 6) as value
        from core.dose
        where gap_days is not null
        union all
        select session_id, 'duration_min' as value_id, duration_min::decimal(18, 6) as value
        from core.dose
        where duration_min is not null
        union all
        select session_id, 'monitored_min' as value_id, monitored_min::decimal(18, 6) as value
        from core.dose
        where monitored_min is not null
        union all
        select session_id, 'was_given_in_full' as value_id, was_given_in_full::decimal(18, 6) as value
        from core.dose
        where was_given_in_full is not null
        union all
        select session_id, 'dissociation_onset_min' as value_id, dissociation_onset_min::decimal(18, 6) as value
        from core.dose
        where dissociation_onset_min is not null
        union all
        select session_id, 'dissociation_peak_min' as value_id, dissociation_peak_min::decimal(18, 6) as value
        from core.dose
        where dissociation_peak_min is not null
        union all
        select session_id, 'dissociation_resolved_min' as value_id, dissociation_resolved_min::decimal(18, 6) as value
        from core.dose
        where dissociation_resolved_min is not null
        union all
        select session_id, 'ready_to_leave_min' as value_id, ready_to_leave_min::decimal(18, 6) as value
        from core.dose
        where ready_to_leave_min is not null
        union all
        select session_id, 'resolved_after_leaving_min' as value_id, resolved_after_leaving_min::decimal(18, 6) as value
        from core.dose
        where resolved_after_leaving_min is not null
        union all
        select session_id, 'cadss_total' as value_id, cadss_total::decimal(18, 6) as value
        from core.dose
        where cadss_total is not null
        union all
        select session_id, 'cadss6_total' as value_id, cadss6_total::decimal(18, 6) as value
        from core.dose
        where cadss6_total is not null
        union all
        select session_id, 'meq30_total' as value_id, meq30_total::decimal(18, 6) as value
        from core.dose
        where meq30_total is not null
        union all
        select session_id, 'sbp_peak_mmhg' as value_id, sbp_peak_mmhg::decimal(18, 6) as value
        from core.dose
        where sbp_peak_mmhg is not null
        union all
        select session_id, 'dbp_peak_mmhg' as value_id, dbp_peak_mmhg::decimal(18, 6) as value
        from core.dose
        where dbp_peak_mmhg is not null
        union all
        select session_id, 'hr_peak_bpm' as value_id, hr_peak_bpm::decimal(18, 6) as value
        from core.dose
        where hr_peak_bpm is not null
        union all
        select session_id, 'sbp_rise_mmhg' as value_id, sbp_rise_mmhg::decimal(18, 6) as value
        from core.dose
        where sbp_rise_mmhg is not null
        union all
        select session_id, 'dbp_rise_mmhg' as value_id, dbp_rise_mmhg::decimal(18, 6) as value
        from core.dose
        where dbp_rise_mmhg is not null
        union all
        select session_id, 'hr_rise_bpm' as value_id, hr_rise_bpm::decimal(18, 6) as value
        from core.dose
        where hr_rise_bpm is not null
        union all
        select session_id, 'spo2_min_pct' as value_id, spo2_min_pct::decimal(18, 6) as value
        from core.dose
        where spo2_min_pct is not null
        union all
        select session_id, 'hours_to_integration' as value_id, hours_to_integration::decimal(18, 6) as value
        from core.dose
        where hours_to_integration is not null
    )
select
    session_id,  -- Dose (core.dose).
    value_id,  -- Value (ref.dose_value says what it is, and its unit).
    value  -- The value, in its unit.
from dose_values
