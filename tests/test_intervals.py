"""Intervals, spreads and effect sizes in SQL equal those of independent implementations, and of published worked examples."""

from collections.abc import Iterator
from decimal import Decimal
from math import sqrt

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from outcomes import places, reference

Z = stats.norm.ppf(0.975)
SQL = places.folder("sql")


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("create schema macro; create schema ref")
        for name in ("report_statistics", "report_poisson"):
            con.execute((SQL / "macro" / f"{name}.sql").read_text())
        for name in ("normal", "student_t", "poisson"):
            con.register("incoming", reference.from_folder(SQL / "ref")[name].to_arrow())
            con.execute(f"create table ref.{name} as select * from incoming")
        yield con


def one(con: duckdb.DuckDBPyConnection, expression: str, *values: object) -> tuple[float, ...]:
    return con.execute(f"select {expression}", list(values)).fetchall()[0]


@pytest.mark.parametrize("probability", [0.975, 0.95])
def test_the_normal_quantile_is_exact(con: duckdb.DuckDBPyConnection, probability: float) -> None:
    found = one(con, "(select quantile_e15 / 1e15::double from ref.normal where probability = $1::decimal(18, 6))", probability)
    assert found == (pytest.approx(stats.norm.ppf(probability), abs=1e-15),)


@given(st.integers(0, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_statsmodels(con: duckdb.DuckDBPyConnection, share: tuple[int, int]) -> None:
    events, trials = share
    found = one(con, "macro.wilson_low($1::bigint, $2::bigint, $3), macro.wilson_high($1::bigint, $2::bigint, $3)", events, trials, Z)
    if trials == 0:
        assert found == (None, None)
    else:
        low, high = proportion_confint(events, trials, alpha=0.05, method="wilson")
        assert found == (pytest.approx(low, abs=1e-12), pytest.approx(high, abs=1e-12))
        parts = ("macro.wilson_low($1, $2, $3)", "macro.share($1, $2)", "macro.wilson_high($1, $2, $3)")
        published = ", ".join(f"macro.published({part})" for part in parts)
        lower, rate, upper = one(con, published, events, trials, Z)
        assert 0 <= lower <= rate <= upper <= 1


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy(con: duckdb.DuckDBPyConnection, share: tuple[int, int]) -> None:
    events, trials = share
    found = one(con, "macro.wilson_low($1::bigint, $2::bigint, $3), macro.wilson_high($1::bigint, $2::bigint, $3)", events, trials, Z)
    interval = stats.binomtest(events, trials).proportion_ci(0.95, method="wilson")
    assert found == (pytest.approx(interval.low, abs=1e-9), pytest.approx(interval.high, abs=1e-9))


@pytest.mark.parametrize(
    ("events", "trials", "low", "high"),
    [
        pytest.param(81, 263, 0.2553, 0.3662, id="81 of 263"),
        pytest.param(15, 148, 0.0624, 0.1605, id="15 of 148"),
        pytest.param(0, 20, 0, 0.1611, id="none of 20"),
        pytest.param(1, 29, 0.0061, 0.1718, id="1 of 29"),
    ],
)
def test_wilson_equals_the_worked_examples_of_newcombe(
    con: duckdb.DuckDBPyConnection, events: int, trials: int, low: float, high: float
) -> None:
    """Newcombe 1998, Stat Med 17:857-872, table I, method 3."""
    found = one(con, "macro.wilson_low($1, $2, $3), macro.wilson_high($1, $2, $3)", events, trials, Z)
    assert found == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@pytest.mark.parametrize("df", [1, 2, 3, 10, 30, 199, 200, 201, 202, 250, 1000, 100_000])
def test_the_t_quantile_equals_scipy(con: duckdb.DuckDBPyConnection, df: int) -> None:
    table = "(select quantile_e15 / 1e15::double from ref.student_t where df = $1)"
    assert one(con, f"coalesce({table}, macro.student_t($2, $1))", df, Z) == (pytest.approx(stats.t.ppf(0.975, df), abs=1e-10),)


def test_the_t_table_has_every_row_up_to_200(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute("select df, quantile_e15 / 1e15::double from ref.student_t order by df").fetchall()
    assert [df for df, _ in rows] == list(range(1, 201))
    assert [quantile for _, quantile in rows] == pytest.approx(list(stats.t.ppf(0.975, np.arange(1, 201))), abs=1e-13)


scores = st.decimals(-100, 100, places=3)
pairs = st.lists(st.tuples(scores, scores), min_size=2, max_size=60)


def _sums(values: list[Decimal]) -> list[object]:
    return [len(values), sum(values), sum(value * value for value in values)]


@given(pairs)
def test_spread_is_the_sample_standard_deviation(con: duckdb.DuckDBPyConnection, sample: list[tuple[Decimal, Decimal]]) -> None:
    values = [before for before, _ in sample]
    (found,) = one(con, "macro.spread($1::bigint, $2::decimal(38, 6), $3::decimal(38, 12))", *_sums(values))
    assert found == pytest.approx(float(np.std(np.array(values, dtype=float), ddof=1)), rel=1e-9, abs=1e-7)


def test_spread_of_equal_values_is_zero_and_of_one_value_unknown(con: duckdb.DuckDBPyConnection) -> None:
    expression = "macro.spread($1::bigint, $2::decimal(38, 6), $3::decimal(38, 12))"
    assert one(con, expression, *_sums([Decimal("7.3")] * 1000)) == (0,)
    assert one(con, expression, *_sums([Decimal("7.3")])) == (None,)


@pytest.mark.parametrize(
    ("n", "sum_", "sum_of_squares"),
    [pytest.param(1_000_000, Decimal(80_000_000), Decimal(80**2 * 1_000_000), id="a million courses")],
)
def test_the_exact_sums_do_not_overflow(con: duckdb.DuckDBPyConnection, n: int, sum_: Decimal, sum_of_squares: Decimal) -> None:
    assert one(con, "macro.spread($1::bigint, $2::decimal(38, 6), $3::decimal(38, 12))", n, sum_, sum_of_squares) == (0,)


EFFECT = "macro.paired_effect($1, $2, $3), macro.paired_effect_error(macro.paired_effect($1, $2, $3), $2, $3, $4, $5)"


def test_the_effect_size_equals_the_example_of_its_author(con: duckdb.DuckDBPyConnection) -> None:
    """`ci.stdmean.ps(.05, 110.4, 102.1, 15.3, 14.6, .75, 25)` of R package statpsych: 0.5550319, 0.1609934, 0.2394905, 0.8705732."""
    sd_change = sqrt(15.3**2 + 14.6**2 - 2 * 0.75 * 15.3 * 14.6)
    effect, error = one(con, EFFECT, 110.4 - 102.1, 15.3, 14.6, sd_change, 25)
    assert (effect, error) == (pytest.approx(0.5550319, abs=5e-8), pytest.approx(0.1609934, abs=5e-8))
    assert (effect - Z * error, effect + Z * error) == (pytest.approx(0.2394905, abs=5e-8), pytest.approx(0.8705732, abs=5e-8))


@given(pairs)
def test_the_effect_size_equals_its_formula_with_a_correlation(
    con: duckdb.DuckDBPyConnection, sample: list[tuple[Decimal, Decimal]]
) -> None:
    """Bonett 2008 writes the formula with the correlation; the SQL has the spread of the change instead."""
    before, after = np.array(sample, dtype=float).T
    sd_1, sd_2, sd_change = (float(np.std(values, ddof=1)) for values in (before, after, after - before))
    if min(sd_1, sd_2) < 0.1:
        return
    n, change = len(sample), float(np.mean(after - before))
    correlation = float(np.corrcoef(before, after)[0, 1])
    mean_variance = (sd_1**2 + sd_2**2) / 2
    effect = change / sqrt(mean_variance)
    first = effect**2 * (sd_1**4 + sd_2**4 + 2 * (correlation * sd_1 * sd_2) ** 2) / (8 * (n - 1) * mean_variance**2)
    second = (sd_1**2 + sd_2**2 - 2 * correlation * sd_1 * sd_2) / ((n - 1) * mean_variance)
    found = one(con, EFFECT, change, sd_1, sd_2, sd_change, n)
    assert found == (pytest.approx(effect, rel=1e-9, abs=1e-12), pytest.approx(sqrt(max(0, first + second)), rel=1e-6, abs=1e-7))


@pytest.mark.parametrize(("df", "factor"), [(1, 0), (9, 1 - 3 / 35), (49, 1 - 3 / 195), (0, None)])
def test_hedges_correction(con: duckdb.DuckDBPyConnection, df: int, factor: float | None) -> None:
    assert one(con, "macro.hedges($1::bigint)", df) == (factor if factor is None else pytest.approx(factor, abs=1e-12),)


@given(st.integers(2, 400))
def test_hedges_correction_is_near_the_exact_one(con: duckdb.DuckDBPyConnection, df: int) -> None:
    """The exact factor is a ratio of gamma functions (Hedges 1981)."""
    from scipy.special import gammaln

    exact = np.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / sqrt(df / 2)
    (found,) = one(con, "macro.hedges($1::bigint)", df)
    assert found == pytest.approx(exact, abs=0.01)


def test_nothing_is_ever_infinite(con: duckdb.DuckDBPyConnection) -> None:
    assert (
        one(con, "macro.share(1, 0), macro.share(0, 0), macro.paired_effect(1.0, 0.0, 0.0), macro.spread(0::bigint, 0, 0)") == (None,) * 4
    )


def test_published_numbers_have_ten_decimals_and_no_negative_zero(con: duckdb.DuckDBPyConnection) -> None:
    assert one(con, "macro.published(1 / 3), macro.published(-0.0::double)::varchar, macro.published(-1e-12)::varchar") == (
        0.3333333333,
        "0.0",
        "0.0",
    )


@given(st.integers(0, 20_000))
def test_poisson_limits_equal_scipy(con: duckdb.DuckDBPyConnection, events: int) -> None:
    """Exact up to the last row of the table; above it within a hundred-thousandth."""
    exact = "(select {} from ref.poisson where events = $1)"
    found = one(
        con,
        f"macro.poisson_low($1::bigint, {exact.format('low_e12')}, $2), macro.poisson_high($1::bigint, {exact.format('high_e12')}, $2)",
        events,
        Z,
    )
    low, high = stats.chi2.ppf(0.025, 2 * events) / 2 if events else 0, stats.chi2.ppf(0.975, 2 * events + 2) / 2
    near = 1e-11 if events <= 200 else 1e-5
    assert found == (pytest.approx(low, rel=near, abs=1e-11), pytest.approx(high, rel=near))
