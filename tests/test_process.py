"""Control limits and signals in SQL equal a published chart, and those that numpy makes from the same counts."""

from collections.abc import Sequence

import duckdb
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from outcomes import places, reference, sqlfiles

SQL = places.folder("sql")
BEYOND, TWO, EIGHT = "beyond three sigma", "two of three beyond two sigma on the same side", "eight in a row on the same side of the centre"
counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
Row = tuple[float | str | None, ...]


def charted(months: Sequence[tuple[int, int, int]], figure: str) -> list[Row]:
    """Value, centre, lower, upper and signal of each month of (courses, of whom so many respond, sum of changes)."""
    rows = ", ".join(f"('{2000 + place // 12}-{place % 12 + 1:02}', {n}, {k}, {total})" for place, (n, k, total) in enumerate(months))
    with duckdb.connect() as con:
        con.execute("create schema ref; create schema macro; create schema release")
        for name in ("control_chart", "control_rule"):
            con.register("incoming", reference.from_folder(SQL / "ref")[name].to_arrow())
            con.execute(f"create table ref.{name} as select * from incoming")
        for name in ("report_statistics", "report_rounded"):
            con.execute((SQL / "macro" / f"{name}.sql").read_text())
        con.execute(
            "create table release.course_month as select 'i' as instrument_id, 'all' as breakdown, month, n::bigint as enrolled, "
            "n::bigint as measured, n::bigint as response_of, k::bigint as responded, 0::bigint as remission_of, 0::bigint as remitted, "
            "total as sum_change, 1 as unit, false as is_suppressed, null::varchar as suppression_reason "
            f"from (values {rows}) as t(month, n, k, total)"
        )
        query = sqlfiles.read(SQL / "report" / "process.sql").text
        wanted = f"select value, centre, lower, upper, signal from ({query}) where figure_id = '{figure}' order by period"
        return con.execute(wanted).fetchall()


def signals(deviations: np.ndarray) -> list[str | None]:
    """What each point signals, by going back from it."""
    found: list[str | None] = []
    for place, deviation in enumerate(deviations):
        side = np.sign(deviation) * deviations[: place + 1]
        said = [BEYOND] if side[-1] > 3 else []
        said += [TWO] if side[-1] > 2 and sum(side[-3:] > 2) >= 2 else []
        said += [EIGHT] if place >= 7 and bool(np.all(side[-8:] > 0)) else []
        found.append("; ".join(said) or None)
    return found


def test_a_published_chart() -> None:
    """Montgomery, Introduction to Statistical Quality Control: cans of orange juice concentrate, 30 samples of 50.

    Centre, limits and the samples beyond them (15 and 23) are those that the R package qcc prints for the same counts.
    """
    cans = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]
    answer = charted([(50, k, 0) for k in cans], "response")
    assert all(row[1:4] == pytest.approx((0.2313333, 0.05242755, 0.4102391), abs=5e-8) for row in answer)
    assert [place for place, row in enumerate(answer, start=1) if BEYOND in str(row[4])] == [15, 23]


@settings(max_examples=50)
@given(st.lists(counts, min_size=1, max_size=40))
def test_p_chart(pairs: list[tuple[int, int]]) -> None:
    n, k = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    centre = k.sum() / n.sum()
    sigma = np.sqrt(centre * (1 - centre) / n)
    answer = charted([(*pair, 0) for pair in pairs], "response")
    expected = np.column_stack([k / n, np.full_like(n, centre), np.clip(centre - 3 * sigma, 0, 1), np.clip(centre + 3 * sigma, 0, 1)])
    np.testing.assert_allclose(np.array([row[:4] for row in answer], dtype=float), expected, atol=1e-9)
    deviations = np.round((k / n - centre) / sigma, 9) if 0 < centre < 1 else np.zeros_like(n)
    assume(not np.any(np.isclose(np.abs(deviations)[:, None], [2, 3], atol=1e-6)))
    assert [row[4] for row in answer] == signals(deviations)


@settings(max_examples=50)
@given(st.lists(st.integers(-300, 100), min_size=2, max_size=40))
def test_xmr_chart(totals: list[int]) -> None:
    value = np.array(totals) / 10
    sigma = np.mean(np.abs(np.diff(value))) / 1.128
    answer = charted([(10, 0, total) for total in totals], "mean_change")
    limits = np.column_stack([value, *(np.full_like(value, value.mean() + times * sigma) for times in (0, -3, 3))])
    np.testing.assert_allclose(np.array([row[:4] for row in answer], dtype=float), limits, atol=1e-9)
    deviations = np.round((value - value.mean()) / sigma, 9) if sigma else np.zeros_like(value)
    assume(not np.any(np.isclose(np.abs(deviations)[:, None], [2, 3], atol=1e-6)))
    assert [row[4] for row in answer] == signals(deviations)


def test_a_single_period_has_no_limits_for_its_mean() -> None:
    assert charted([(10, 5, -50)], "mean_change") == [(-5, -5, None, None, None)]


@pytest.mark.parametrize(
    ("responded", "said"),
    [
        pytest.param([50] * 6 + [49] * 4 + [52] * 2, [None] * 12, id="nothing"),
        pytest.param([49] * 8 + [52] * 7 + [44], [None] * 7 + [EIGHT] + [None] * 8, id="the eighth on one side, not the seventh"),
        pytest.param([50] * 5 + [70] + [50] * 5 + [30], [None] * 5 + [BEYOND] + [None] * 5 + [BEYOND], id="one beyond, either side"),
        pytest.param([62, 50, 62, 38, 38], [None, None, TWO, None, TWO], id="two of three on one side"),
        pytest.param([62, 38, 62, 38], [None, None, TWO, TWO], id="the point between may be on the other side"),
    ],
)
def test_signals(responded: list[int], said: list[str | None]) -> None:
    assert [row[4] for row in charted([(100, k, 0) for k in responded], "response")] == said
