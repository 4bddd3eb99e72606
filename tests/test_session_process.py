"""Limits and signals of sessions over time equal a published chart, those of numpy, and the counts that were planted."""

from collections import Counter
from collections.abc import Sequence

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_boosters import found  # noqa: F401
from truth_tools import Found

from outcomes import places, reference, sqlfiles

SQL = places.folder("sql")
Row = tuple[float | str | None, ...]


def charted(months: Sequence[tuple[int, int]], chart: str) -> list[Row]:
    """Value, centre, lower, upper and signal of each month of (doses, of which so many meet the rule; or with so many events)."""
    rows = ", ".join(f"('{2000 + place // 12}-{place % 12 + 1:02}', {n}, {k})" for place, (n, k) in enumerate(months))
    shown = "'all' as breakdown, 'all' as level, month, 20::bigint as courses, n::bigint as doses, 1 as unit, false as is_suppressed"
    with duckdb.connect() as con:
        con.execute("create schema ref; create schema macro; create schema release")
        for name in ("control_chart", "control_rule", "dose_rule", "event_kind"):
            con.register("incoming", reference.from_folder(SQL / "ref")[name].to_arrow())
            con.execute(f"create table ref.{name} as select * from incoming")
        for name in ("report_statistics", "report_rounded"):
            con.execute((SQL / "macro" / f"{name}.sql").read_text())
        for table, figure, counts in (
            ("dose_month", "'dose_iv' as rule_id", "n::bigint as judged, k::bigint as met"),
            ("event_month", "'any' as kind_id", "k::bigint as events"),
        ):
            con.execute(
                f"create table release.{table} as select {figure}, {shown}, {counts}, null::varchar as suppression_reason "
                f"from (values {rows}) as t(month, n, k)"
            )
        for table, figure in (("dose_months", "rule_id"), ("event_months", "kind_id")):
            con.execute(
                f"create table release.{table} as select {figure}, is_suppressed, suppression_reason from release.{table[:-1]} limit 0"
            )
        query = sqlfiles.read(SQL / "report" / "session_process.sql").text
        return con.execute(
            f"select value, centre, lower, upper, signal from ({query}) where chart_id = '{chart}' order by period"
        ).fetchall()


def test_a_published_u_chart() -> None:
    """Montgomery's computers, 20 samples of 5, the counts as the R package qcc ships them: 193 / 100 -/+ 3 sqrt(1.93 / 5)."""
    defects = [10, 12, 8, 14, 10, 16, 11, 7, 10, 15, 9, 5, 7, 11, 12, 6, 8, 10, 7, 5]
    answer = charted([(5, k) for k in defects], "u")
    assert all(row[1:4] == pytest.approx((1.93, 0.06613305, 3.793867), abs=5e-7) for row in answer)
    assert {row[4] for row in answer} == {None}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 300), st.integers(0, 60)), min_size=1, max_size=30))
def test_u_chart(pairs: list[tuple[int, int]]) -> None:
    n, k = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    centre = k.sum() / n.sum()
    sigma = np.sqrt(centre / n)
    expected = np.column_stack([k / n, np.full_like(n, centre), np.maximum(centre - 3 * sigma, 0), centre + 3 * sigma])
    answer = charted(pairs, "u")
    np.testing.assert_allclose(np.array([row[:4] for row in answer], dtype=float), expected, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), min_size=1, max_size=30))
def test_p_chart(pairs: list[tuple[int, int]]) -> None:
    n, k = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    centre = k.sum() / n.sum()
    sigma = np.sqrt(centre * (1 - centre) / n)
    expected = np.column_stack([k / n, np.full_like(n, centre), np.clip(centre - 3 * sigma, 0, 1), np.clip(centre + 3 * sigma, 0, 1)])
    answer = charted(pairs, "p")
    np.testing.assert_allclose(np.array([row[:4] for row in answer], dtype=float), expected, atol=1e-9)


def test_signals_are_told_in_words() -> None:
    quiet = [(100, 10)] * 9
    assert [row[4] for row in charted([*quiet, (100, 40)], "u")][-1] == "beyond three sigma"
    assert [row[4] for row in charted([(100, 50)] * 5 + [(100, 80)], "p")][-1] == "beyond three sigma"


def test_months_are_counted_again(found: Found) -> None:  # noqa: F811
    """Doses that resolved in time, and events, by the month of day 0; nothing is hidden, so each month stands by itself."""
    doses = found.sql("select dose.*, strftime(day_0, '%Y-%m') as month from core.dose join core.course using (course_id)").to_dicts()
    judged = Counter(d["month"] for d in doses if d["dissociation_resolved_min"] is not None)
    met = Counter(d["month"] for d in doses if d["dissociation_resolved_min"] is not None and d["dissociation_resolved_min"] <= 120)
    rows = found.published("select * from published.session_process where figure_id = 'resolved_within_120'").to_dicts()
    assert {r["period"]: (r["denominator"], r["numerator"]) for r in rows} == {month: (judged[month], met[month]) for month in judged}
    events = found.sql("select strftime(day_0, '%Y-%m') as month from core.adverse_event join core.course using (course_id)")
    rows_of_events = found.published("select * from published.session_process where figure_id = 'any'").to_dicts()
    given = Counter(d["month"] for d in doses)
    per_month = dict(events.group_by("month").agg(n=pl.len()).iter_rows())
    assert {r["period"]: (r["denominator"], r["numerator"]) for r in rows_of_events} == {
        month: (given[month], per_month.get(month, 0)) for month in given
    }
