-- kept as: view
-- The outcomes that figures count: those of core.outcome, less the ones that wait for company (meta.waiting).
-- In a release with a gate, who comes to a measure and window is counted once so many new patients can be counted
-- together that nobody is told apart; until then the course stands in lists of patients and in no figure.
select
    outcome.course_id,  -- Course.
    outcome.instrument_id,  -- Measure.
    outcome.window_id,  -- Window.
    outcome.is_due,  -- Whether the window has fully passed at the as-of date.
    outcome.baseline,  -- Score before treatment (core.baseline).
    outcome.score,  -- Score in the window.
    outcome.answered_on,  -- Day of the score in the window.
    outcome.form_number,  -- Form of the score in the window (core.form).
    outcome.days,  -- Days from day 0 to the score.
    outcome.improvement,  -- Points since baseline, positive where better.
    outcome.elapsed_min,  -- Minutes from the start of the first session to the score, where known.
    outcome.baseline_suicidality,  -- Whether the item about suicidal thoughts reached its flag before treatment.
    outcome.suicidality  -- Whether it does in the window.
from core.outcome
anti join meta.waiting using (course_id, instrument_id, window_id)
