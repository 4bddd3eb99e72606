"""Published answer sheets through a whole night: sums, bands, contradictions and provisional diagnoses equal the published counts."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest
from test_night import SETTINGS

Night = Callable[..., tuple[int, str]]
Dataset = Callable[[str], Path]


def clinic_of(folder: Path, wide: pl.DataFrame, instrument: str, items: list[str], total: str | None = None) -> None:
    """A wide export, one form per patient, made from an answer sheet without patients or dates."""
    (folder / "inbox").mkdir()
    (folder / "outcomes.toml").write_text(SETTINGS)
    named = {old: f"{instrument}_{n}" for n, old in enumerate(items, start=1)} | ({total: f"{instrument}_total"} if total else {})
    forms = wide.select(
        pl.format("p{}", pl.int_range(pl.len())).alias("patient_id"),
        pl.lit("2025-03-01").alias("answered_at"),
        pl.col(*named).name.map(named.get),
    )
    forms.write_csv(folder / "inbox" / "questionnaires_2025-06-01.csv")


def asked(folder: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(folder / "data" / "warehouse" / "current" / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


@pytest.mark.parametrize("written", ["numbers", "words"])
def test_phq9_sums_and_bands_of_2177_people(written: str, dataset: Dataset, night: Night, tmp_path: Path) -> None:
    sheet = pl.read_csv(dataset("phq9_items_chiu") / "PHQ9_data.csv")
    items = [f"Item{n}_num" if written == "numbers" else f"Item{n}" for n in range(1, 10)]
    clinic_of(tmp_path, sheet, "phq9", items, total="SumScore")
    code, line = night()
    assert code == 0, line
    scores = dict(asked(tmp_path, "select patient_id, score::integer from core.score where source = 'items' and instrument_id = 'phq9'"))
    assert scores == {f"p{n}": total for n, total in enumerate(sheet["SumScore"])}
    assert asked(tmp_path, "select count(*) from core.score where contradicts") == [(0,)]
    bands = asked(
        tmp_path,
        "with banded as (select form_number, max(ordinal) as ordinal from core.score inner join ref.band using (instrument_id) "
        "where score >= low and is_default_set group by all) select count(*) from banded group by ordinal order by ordinal",
    )
    assert [count for (count,) in bands] == [112, 523, 608, 584, 350]


def test_a_total_that_contradicts_its_items_is_reported(dataset: Dataset, night: Night, tmp_path: Path) -> None:
    sheet = pl.read_csv(dataset("phq9_items_chiu") / "PHQ9_data.csv").with_columns(
        SumScore=pl.when(pl.int_range(pl.len()) < 5).then((pl.col("SumScore") + 1) % 28).otherwise("SumScore")
    )
    clinic_of(tmp_path, sheet, "phq9", [f"Item{n}_num" for n in range(1, 10)], total="SumScore")
    assert night()[0] == 0
    assert asked(tmp_path, "select checked, violated from core.finding where code = 'FND-01'") == [(2177, 5)]


def test_pcl5_provisional_diagnoses_of_5000_people(dataset: Dataset, night: Night, tmp_path: Path) -> None:
    sheet = pl.read_csv(dataset("ptsddiag_pcl5") / "simulated_ptsd.csv")
    clinic_of(tmp_path, sheet, "pcl5", [f"S{n}" for n in range(1, 21)])
    code, line = night()
    assert code == 0, line
    assert asked(tmp_path, "select count(*), count(*) filter (where is_met) from core.criterion") == [(5000, 4710)]
    counted = "select count(*), avg(score), count(*) filter (where score >= 31), count(*) filter (where score >= 33) from core.score"
    ((n, mean, at_31, at_33),) = asked(tmp_path, f"{counted} where instrument_id = 'pcl5'")
    assert (n, round(float(str(mean)), 3), at_31, at_33) == (5000, 57.772, 4871, 4836)
    clusters = asked(
        tmp_path, "select instrument_id, max(score)::integer from core.score where instrument_id like 'pcl5.%' group by all order by all"
    )
    assert clusters == [("pcl5.b", 20), ("pcl5.c", 8), ("pcl5.d", 28), ("pcl5.e", 24)]
