-- kept as: view
-- The clinic's own list of patients to look at: one row per patient and signal (ref.safety_signal), with its day.
-- Signals are metrics under the report's profile, kinds of adverse events, and rules that a dose did not meet.
-- Row level: for the clinic's own analysts. No table of schema report may read it, and nothing of it is mailed.
with
    by_metric as (
        select
            signal.signal_id,
            course.patient_id,
            judgement.course_id,
            outcome.answered_on as signalled_on,
            judgement.instrument_id || ' ' || judgement.window_id as what
        from core.judgement
        inner join ref.safety_signal as signal using (metric_id)
        inner join ref.setting using (profile_id)
        inner join core.course using (course_id)
        inner join core.outcome using (course_id, instrument_id, window_id)
        where judgement.numerator
    ),
    by_event as (
        select
            signal.signal_id,
            event.patient_id,
            event.course_id,
            session.started_on as signalled_on,
            event.session_id as what
        from core.event_kind as event
        inner join ref.safety_signal as signal using (kind_id)
        left join core.session using (session_id)
    ),
    by_dose as (
        select
            signal.signal_id, dose.patient_id, dose.course_id, dose.started_on as signalled_on, dose.session_id as what
        from core.dose
        inner join core.dose_verdict as verdict using (session_id)
        inner join ref.dose_rule as rule on (verdict.judged & ~ verdict.met) & (1::ubigint << rule.ordinal::ubigint) > 0
        inner join ref.safety_signal as signal using (rule_id)
    ),
    signals as (
        select *
        from by_metric
        union all
        select *
        from by_event
        union all
        select *
        from by_dose
    )
select
    signal_id,  -- Signal (ref.safety_signal).
    patient_id,  -- Pseudonym of the patient.
    course_id,  -- Course that it belongs to; empty where it belongs to none.
    signalled_on,  -- Day of the form or the session.
    what  -- Measure and window, or the session.
from signals
