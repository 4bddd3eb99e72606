"""Standardised rates in SQL equal those that plain Python makes from the same cells, by the textbook formula."""

from math import sqrt

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from outcomes import places, reference, sqlfiles

SQL = places.folder("sql")
KEYS = "'p' as profile_id, 'm' as metric_id, 'i' as instrument_id, 'w' as window_id, 'format' as breakdown"
cells = st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
groups = st.dictionaries(st.sampled_from("abcd"), st.dictionaries(st.integers(1, 4), cells, min_size=1), min_size=2)


def compared(groups: dict[str, dict[int, tuple[int, int]]]) -> dict[str, tuple[float | None, ...]]:
    """Level -> standardised rate, difference and its interval, from the SQL."""
    rows = ", ".join(f"('{level}', {s}, {n}, {k})" for level, found in groups.items() for s, (n, k) in found.items())
    with duckdb.connect() as con:
        con.execute("create schema ref; create schema macro; create schema release")
        for name in ("normal", "comparison"):
            con.register("incoming", reference.from_folder(SQL / "ref")[name].to_arrow())
            con.execute(f"create table ref.{name} as select * from incoming")
        for name in ("report_statistics", "report_rounded"):
            con.execute((SQL / "macro" / f"{name}.sql").read_text())
        con.execute(
            f"create table release.severity as select {KEYS}, level, severity, denominator::bigint as denominator, "
            "numerator::bigint as numerator, 1 as unit, false as is_suppressed "
            f"from (values {rows}) as t(level, severity, denominator, numerator)"
        )
        query = sqlfiles.read(SQL / "report" / "programme_comparison.sql").text
        wanted = "level, standardised_rate, difference, difference_low, difference_high"
        return {row[0]: row[1:] for row in con.execute(f"select {wanted} from ({query})").fetchall()}


@given(groups)
def test_standardised_rates_equal_the_formula(groups: dict[str, dict[int, tuple[int, int]]]) -> None:
    common = sorted(set.intersection(*(set(found) for found in groups.values())))
    courses = {s: sum(found[s][0] for found in groups.values()) for s in common}
    answer = compared(groups)
    if not common:
        assert all(values == (None, None, None, None) for values in answer.values())
        return
    weight = {s: courses[s] / sum(courses.values()) for s in common}
    rate = {level: sum(weight[s] * found[s][1] / found[s][0] for s in common) for level, found in groups.items()}
    share = {level: {s: found[s][1] / found[s][0] for s in common} for level, found in groups.items()}
    variance = {
        level: sum(weight[s] ** 2 * share[level][s] * (1 - share[level][s]) / found[s][0] for s in common)
        for level, found in groups.items()
    }
    reference_level = min(groups, key=lambda level: (-sum(n for n, _ in groups[level].values()), level))
    for level, (standardised, difference, low, high) in answer.items():
        assert standardised == pytest.approx(rate[level], abs=1e-9)
        if level == reference_level:
            assert (difference, low, high) == (None, None, None)
        else:
            margin = stats.norm.ppf(0.975) * sqrt(variance[level] + variance[reference_level])
            expected = rate[level] - rate[reference_level]
            assert (difference, low, high) == (
                pytest.approx(expected, abs=1e-9),
                pytest.approx(expected - margin, abs=1e-9),
                pytest.approx(expected + margin, abs=1e-9),
            )
