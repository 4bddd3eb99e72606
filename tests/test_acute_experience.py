"""The correlation of acute scores with improvement equals that of scipy, counted again from single courses."""

from collections import defaultdict

import pytest
from scipy.stats import pearsonr  # type: ignore[import-untyped]
from test_boosters import found  # noqa: F401
from truth_tools import Found


def test_acute_experience_is_correlated_again(found: Found) -> None:  # noqa: F811
    highest: dict[str, float] = {}
    for dose in found.sql("select course_id, cadss_total from core.dose where phase = 'induction' and cadss_total is not null").to_dicts():
        highest[dose["course_id"]] = max(highest.get(dose["course_id"], 0.0), float(dose["cadss_total"]))
    pairs = defaultdict(list)
    for row in found.sql("select * from core.outcome where window_id = 'd30' and is_due and improvement is not null").to_dicts():
        if row["course_id"] in highest:
            pairs[row["instrument_id"]].append((highest[row["course_id"]], float(row["improvement"])))
    rows = found.published("select * from published.acute_experience where value_id = 'cadss_total' and breakdown = 'all'").to_dicts()
    published = {row["instrument_id"]: row for row in rows}
    assert {measure: row["n"] for measure, row in published.items()} == {measure: len(both) for measure, both in pairs.items()}
    compared = 0
    for measure, both in pairs.items():
        row = published[measure]
        if len(both) < 20:
            assert row["r"] is None
            continue
        true = pearsonr(*zip(*both, strict=True))
        low, high = true.confidence_interval(0.95)
        assert (row["r"], row["r_low"], row["r_high"]) == pytest.approx((true.statistic, low, high), abs=1e-8)
        compared += 1
    assert compared > 2
