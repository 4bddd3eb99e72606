"""Funnel limits in SQL equal those that numpy makes from the same counts, after Spiegelhalter 2005."""

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes import places, reference, sqlfiles

SQL = places.folder("sql")
sites = st.lists(st.integers(1, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), min_size=1, max_size=30)


def from_sql(counts: list[tuple[int, int]]) -> list[tuple[float | bool | str, ...]]:
    """Per site: rate, dispersion, is_widened and the four limits."""
    rows = ", ".join(f"('s{place:02}', {n}, {k})" for place, (n, k) in enumerate(counts))
    with duckdb.connect() as con:
        con.execute("create schema ref; create schema macro; create schema release")
        con.register("incoming", reference.from_folder(SQL / "ref")["funnel"].to_arrow())
        con.execute("create table ref.funnel as select * from incoming")
        for name in ("report_statistics", "report_rounded"):
            con.execute((SQL / "macro" / f"{name}.sql").read_text())
        con.execute(
            "create table release.outcome as select 'p' as profile_id, 'm' as metric_id, 'i' as instrument_id, 'w' as window_id, "
            "'site' as breakdown, level, n::bigint as eligible, n::bigint as measured, n::bigint as denominator, k::bigint as numerator, "
            f"1 as unit, false as is_suppressed, null::varchar as suppression_reason from (values {rows}) as t(level, n, k)"
        )
        query = sqlfiles.read(SQL / "report" / "funnel.sql").text
        wanted = "rate, dispersion, is_widened, low_inner, high_inner, low_outer, high_outer"
        return con.execute(f"select {wanted} from ({query}) order by site").fetchall()


@given(sites)
def test_limits_equal_the_formula(counts: list[tuple[int, int]]) -> None:
    n, k = (np.array(column, dtype=float) for column in zip(*counts, strict=True))
    target = k.sum() / n.sum()
    sigma = np.sqrt(target * (1 - target) / n)
    z = (k / n - target) / sigma if 0 < target < 1 else np.zeros_like(n)
    dispersion = float(np.mean(np.clip(z, *np.percentile(z, [10, 90])) ** 2))
    line = 1 + 2 * np.sqrt(2 / len(n))
    answer = from_sql(counts)
    assert [row[:2] for row in answer] == [pytest.approx((rate, dispersion), abs=1e-9) for rate in k / n]
    if abs(dispersion - line) < 1e-9:
        return
    assert {row[2] for row in answer} == {dispersion > line}
    wide = sigma * (np.sqrt(dispersion) if dispersion > line else 1)
    limits = np.clip(np.column_stack([target + times * wide for times in (-2, 2, -3, 3)]), 0, 1)
    np.testing.assert_allclose(np.array([row[3:] for row in answer], dtype=float), limits, atol=1e-9)
