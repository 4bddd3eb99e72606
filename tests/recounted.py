"""Where the counts of each published table are counted again, from rows of single courses or from what was planted."""

HERE, RATES = "test_recount_tables", "test_recount"
RECOUNTED = {
    "outcome_summary": RATES,
    "score_summary": RATES,
    "band_shift": HERE,
    "benchmark": HERE,
    "change_category": HERE,
    "completeness": HERE,
    "due": HERE,
    "responder_curve": HERE,
    "retention": HERE,
    "session_retention": HERE,
    "change_reference": "test_jacobson_truax",
    "item_change": "test_item_change",
    "survival": "test_survival",
    "survival_median": "test_survival",
    "outcome_reason": RATES,
    "sensitivity": "test_sensitivity",
    "funnel": "test_funnel",
    "programme_comparison": "test_comparison",
    "safety": "test_truth_sessions",
    "session_conformance": "test_truth_sessions",
    "screening": "test_truth_sessions",
    "exclusion": "test_truth_sessions",
    "process": "test_process",
}
SAYS_NO_COUNT_OF_COURSES = {
    "arrival",
    "definition",
    "expected",
    "instrument",
    "measure",
    "quality",
    "quarantine",
    "session_rule",
    "setting",
    "version",
    "window",
}
SPECIFIED_ONLY = {"course_conformance", "moderator", "session_value"}
"""tests/sql/tally and tests/sql/report have their cases, and nothing else counts them."""
