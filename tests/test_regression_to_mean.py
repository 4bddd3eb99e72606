"""What is expected without treatment equals Barnett's formula, what scipy correlates, and what a simulation without treatment does."""

import duckdb
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm, pearsonr  # type: ignore[import-untyped]

from outcomes import places, reference, sqlfiles

SQL = places.folder("sql")
MEAN, SD = 15.0, 5.0
Scores = NDArray[np.float64]


def told(first: Scores, last: Scores, before: Scores, baseline: Scores, later: Scores) -> dict[str, float]:
    """The published row of courses with two scores each, and of those measured: scores before treatment, baseline and follow-up."""
    with duckdb.connect() as con:
        con.execute("create schema ref; create schema macro; create schema release")
        con.execute("create table ref.window (window_id text, baseline_pick text)")
        for name in ("repeat", "normal"):
            con.register("incoming", reference.from_folder(SQL / "ref")[name].to_arrow())
            con.execute(f"create table ref.{name} as select * from incoming")
        for name in ("report_statistics", "report_rounded", "report_repeat"):
            con.execute((SQL / "macro" / f"{name}.sql").read_text())
        shown = "'i' as instrument_id, 'all' as breakdown, 'all' as level, 1 as unit, false as is_suppressed"
        pairs = [len(first), (first + last).sum(), first.sum(), last.sum(), (first**2).sum(), (last**2).sum(), (first * last).sum()]
        names = ("pairs", "sum_scores", "sum_first", "sum_last", "sum_first_squared", "sum_last_squared", "sum_product")
        said = ", ".join(f"{float(value)!r}::decimal(38, 3) as {name}" for name, value in zip(names[1:], pairs[1:], strict=True))
        con.execute(f"create table release.repeat as select {shown}, {len(first)} as pairs, {2 * len(first)} as scores, {said}")
        con.execute(
            f"create table release.score as select {shown}, 'd30' as window_id, {len(baseline)} as n, "
            f"{float(baseline.sum())!r}::decimal(38, 3) as sum_baseline, {float((later - baseline).sum())!r}::decimal(38, 3) as sum_change"
        )
        con.execute(
            f"create table release.score_repeat as select {shown}, 'd30' as window_id, {before.shape[1]} as candidates, "
            f"{len(baseline)} as n, {float(before.sum())!r}::decimal(38, 3) as sum_candidates, "
            f"{float(baseline.sum())!r}::decimal(38, 3) as sum_baseline"
        )
        return con.sql(sqlfiles.read(SQL / "report" / "regression_to_mean.sql").text).pl().to_dicts()[0]


def untreated(r: float, n: int, seed: int) -> Scores:
    """Three scores of each of n people, correlated by r, whole numbers of points / 10."""
    draw = np.random.default_rng(seed)
    true = draw.normal(MEAN, SD * np.sqrt(r), n)
    return np.round(true[:, None] + draw.normal(0, SD * np.sqrt(1 - r), (n, 3)), 1)


@pytest.mark.parametrize("r", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("cut", [12.0, 15.0, 20.0])
def test_who_is_chosen_by_a_high_score_falls_as_expected(r: float, cut: float) -> None:
    """Nobody is treated: the observed change is the expected one, and that of Barnett 2005, equation 1, for a cut-off."""
    scores = untreated(r, 200_000, 5)
    chosen = scores[scores[:, 1] > cut]
    row = told(scores[:, 0], scores[:, 1], chosen[:, 1:2], chosen[:, 1], chosen[:, 2])
    z = (cut - MEAN) / SD
    barnett = (1 - r) * SD * norm.pdf(z) / norm.sf(z)
    assert row["expected_change"] == pytest.approx(-barnett, abs=0.06)
    assert row["mean_change"] == pytest.approx(-barnett, abs=0.06)
    assert row["change_beyond"] == pytest.approx(0, abs=0.08)


@pytest.mark.parametrize(("pick", "falls"), [("worst", 5 * np.sqrt(0.4 / np.pi)), ("last", 0)])
def test_the_worst_of_two_scores_regresses_and_the_last_does_not(pick: str, falls: float) -> None:
    """The mean of the larger of two normal scores lies sigma sqrt((1 - r) / pi) above the mean of both, and all of that is lost."""
    scores = untreated(0.6, 200_000, 6)
    baseline = scores[:, :2].max(axis=1) if pick == "worst" else scores[:, 1]
    row = told(scores[:, 0], scores[:, 1], scores[:, :2], baseline, scores[:, 2])
    assert row["expected_change"] == pytest.approx(-falls, abs=0.03)
    assert row["mean_change"] == pytest.approx(-falls, abs=0.03)


def test_two_scores_tell_more_than_one() -> None:
    """Chosen by the mean of two scores: Barnett 2005, for two baseline scores."""
    r, cut = 0.5, 17.0
    scores = untreated(r, 400_000, 9)
    chosen = scores[scores[:, :2].mean(axis=1) > cut]
    row = told(scores[:, 0], scores[:, 1], chosen[:, :2], chosen[:, 1], chosen[:, 2])
    within, between = (1 - r) * SD**2, r * SD**2
    spread = np.sqrt(between + within / 2)
    z = (cut - MEAN) / spread
    barnett = within / 2 / spread * norm.pdf(z) / norm.sf(z)
    assert row["expected_change"] == pytest.approx(-barnett, abs=0.06)
    assert row["mean_change"] == pytest.approx(-barnett, abs=0.06)


def test_correlation_and_interval() -> None:
    scores = untreated(0.7, 60, 7)
    row = told(scores[:, 0], scores[:, 1], scores[:, :2], scores[:, 1], scores[:, 2])
    true = pearsonr(scores[:, 0], scores[:, 1])
    low, high = true.confidence_interval(0.95)
    assert (row["r"], row["r_low"], row["r_high"]) == pytest.approx((true.statistic, low, high), abs=1e-9)
    assert row["expected_low"] <= row["expected_change"] <= row["expected_high"]


def test_too_few_pairs_tell_nothing() -> None:
    scores = untreated(0.7, 29, 8)
    with pytest.raises(IndexError):
        told(scores[:, 0], scores[:, 1], scores[:, :2], scores[:, 1], scores[:, 2])
