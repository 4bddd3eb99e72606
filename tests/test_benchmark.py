"""The benchmark pack: every figure is cited, intervals say where they come from, and the national line is the register's."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest
from test_night import small_clinic

from outcomes import benchmark, places, reference
from outcomes.instruments import load

REF = reference.from_folder(places.folder("sql") / "ref")
STATUSES = {"verified", "verified once", "secondary", "unverified"}
NATIONAL = {
    "pair_reliable_improvement": ("improvement", None),
    "pair_recovery": ("recovery", "not_at_caseness"),
    "pair_reliable_recovery": ("reliable_recovery", "not_at_caseness"),
    "pair_reliable_deterioration": ("deterioration", None),
}


@pytest.mark.parametrize("table", ["benchmark", "national_rate", "national_score"])
def test_every_figure_is_cited_and_dated(table: str) -> None:
    frame = REF[table]
    assert frame.select("source", "status", "reviewed_on").null_count().row(0) == (0, 0, 0)
    assert set(frame["status"]) <= STATUSES
    assert frame["reviewed_on"].dtype == pl.Date
    if table != "benchmark":
        assert frame["licence"].str.contains("Open Government Licence v3.0").all()


def test_every_figure_is_a_number_a_range_or_a_sentence() -> None:
    bare = REF["benchmark"].filter(pl.all_horizontal(pl.col("value", "low", "high").is_null()))
    assert bare["note"].null_count() == 0
    shares = REF["benchmark"].filter(pl.col("unit") == "share")
    assert shares.select(pl.col("value").drop_nulls().is_between(0, 1).all()).item()


def test_the_pack_has_all_studies() -> None:
    assert REF["benchmark"]["study_id"].unique(maintain_order=True).to_list() == [
        "mcinnes_2022",
        "oliver_2022",
        "hull_2022",
        "mathai_2024",
        "feder_2021",
        "abdallah_2022",
        "glue_2018",
        "taylor_2018",
        "yermus_2023",
        "robison_2023",
    ]


def test_negative_and_safety_figures_are_in_it() -> None:
    figures = " ".join(REF["benchmark"]["figure"])
    assert all(word in figures for word in ("adverse events", "worse", "deterioration", "CADSS", "pressure"))
    assert REF["benchmark"].filter(pl.col("design").str.contains("negative"))["study_id"].unique().to_list() == ["abdallah_2022"]


def test_what_a_figure_is_compared_with_exists() -> None:
    library = load()
    pack = REF["benchmark"]
    assert set(pack["metric_id"].drop_nulls()) <= set(REF["metric"]["metric_id"])
    assert set(pack["profile_id"].drop_nulls()) <= set(library.profiles)
    named = pack.filter(pl.col("metric_id").is_not_null())
    assert set(named["instrument_id"]) <= set(library.measures)
    assert named.select("profile_id", "window_id").null_count().row(0) == (0, 0)


def test_the_national_line_is_the_register_s(dataset: Callable[[str], Path]) -> None:
    folder = dataset("nhs_talking_therapies")
    england = (pl.col("org_type") == "England") & (pl.col("variable_type") == "Total")
    found = pl.scan_parquet(folder / "measures_annual.parquet").filter(england).collect()
    values = {(r["reporting_period"], r["measure_name"], r["measure_statistic"]): r["value"] for r in found.rows(named=True)}
    rows = REF["national_rate"].rows(named=True)
    assert {row["reporting_period"] for row in rows} == {f"20{y}-{y + 1}" for y in range(17, 25)}
    for row in rows:
        measure, less = NATIONAL[row["metric_id"]]
        period = row["reporting_period"]
        asked = int(values[period, "finished_course_treatment", "count"]) - (int(values[period, less, "count"]) if less else 0)
        assert (row["numerator"], row["denominator"]) == (int(values[period, measure, "count"]), asked)
        assert 100 * row["numerator"] / row["denominator"] == pytest.approx(float(values[period, measure, "percentage"]), abs=0.0501)


def test_the_national_scores_are_the_register_s(dataset: Callable[[str], Path]) -> None:
    folder = dataset("nhs_talking_therapies")
    cbt = (pl.col("org_type") == "England") & (pl.col("variable_a") == "Total") & pl.col("variable_b").str.contains("CBT")
    found = pl.scan_parquet(folder / "proms_annual.parquet").filter(cbt).collect()
    values = {
        (r["reporting_period"], r["measure_name"], r["measure_statistic"], r["measure_time"]): r["value"] for r in found.rows(named=True)
    }
    names = {"phq9": "phq", "gad7": "gad", "wsas": "wsas"}
    columns = {"mean_baseline": ("mean", "start"), "sd_baseline": ("sd", "start"), "mean_score": ("mean", "end"), "sd_score": ("sd", "end")}
    for row in REF["national_score"].rows(named=True):
        key = (row["reporting_period"], names[row["instrument_id"]])
        assert {name: float(row[name]) for name in columns} == {name: values[*key, *where] for name, where in columns.items()}
        assert float(row["effect_size"]) == values[*key, "effect_size", None]
        change = row["mean_baseline"] - row["mean_score"]
        assert float(change / row["sd_baseline"]) == pytest.approx(float(row["effect_size"]), abs=0.06)


def test_a_night_prints_it(night: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    small_clinic(tmp_path)
    code, line = night()
    assert code == 0, line
    release = tmp_path / "data" / "published" / "current" / "outcomes.duckdb"
    with duckdb.connect(str(release), read_only=True) as con:
        periods = con.execute("select count(*) from published.benchmark where study_id = 'nhs_talking_therapies'").fetchone()
        old = con.execute("select min(reviewed_on) from published.benchmark").fetchone()
    assert periods == (8 * 4 + 6 * 3 * 5,)
    assert old == (dt.date(2026, 11, 22),)
    text = benchmark.terminal(release, "Small clinic")
    assert "nothing here is a target" in " ".join(text.split())
    assert "Negative trial: Abdallah 2022" in " ".join(text.split())
    assert "53.6 % (49.4-57.8 c)" in text
    assert "Open Government Licence" in text
